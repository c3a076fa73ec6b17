"""Define what is generated for a model without an entry script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class NoCode:
    """Hold a script and all that belongs to it.

    `sample` is a request as JSON. `requirements` maps each requirement to its reason. `files` are the model's own
    requirements files, relative to the project, and `left_out` are the names to skip in them. `system_packages` are
    Debian's. `about` describes the model in one line. `notes` say what its file leaves open, and the key that
    settles it.
    """

    script: str
    sample: str
    requirements: Mapping[str, str]
    about: str
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
