"""The original's switch for sending diagnostics: nothing here is ever sent."""

from __future__ import annotations


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: int = 0) -> None:
    """Do nothing, whatever is asked for."""
    del send_diagnostics, verbosity
