"""What is made for a model without an entry script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class NoCode:
    """A script and what goes along with it.

    `sample` is a request as JSON; `requirements` give the reason for each; `files` are requirements files of the
    model's own, relative to the project, and `left_out` the names in them that are not taken. `system_packages` are
    Debian's. `about` says in a line what was read of the model, `notes` what its file does not say, each with the key
    that gives it.
    """

    script: str
    sample: str
    requirements: Mapping[str, str]
    about: str
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
