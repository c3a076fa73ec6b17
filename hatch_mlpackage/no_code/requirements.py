"""Adds what a generated script imports to what the project asks for, in the versions that made the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .frameworks import SAME_MODULES

if TYPE_CHECKING:
    from hatch_mlpackage.lock import Requirements

    from .generated import NoCode


def with_generated(requirements: Requirements, no_code: NoCode | None, conda: Iterable[str] = ()) -> Requirements:
    """Add what the script needs and nobody else brings; `conda` are the names of the packages that conda installs.

    What the project names itself is taken as it does: a note says where that is not what made the model.
    """
    if no_code is None:
        return requirements
    asked: dict[str, str] = {canonicalize_name(Requirement(text).name): text for text in requirements.requirements}
    asked |= {canonicalize_name(name): "" for name in conda}
    added: dict[str, str] = {}
    notes: list[str] = []
    for needed, reason in no_code.requirements.items():
        named = next((asked[name] for name in _names(needed) if name in asked), None)
        if named is None:
            added[needed] = reason
        else:
            notes += _mismatch(needed, named)
    said = [f"{requirement} is added: {reason}." for requirement, reason in added.items()]
    return replace(
        requirements,
        requirements=tuple(sorted([*requirements.requirements, *added])),
        notes=(*requirements.notes, *no_code.notes, *said, *notes),
    )


def _names(needed: str) -> tuple[str, ...]:
    name = canonicalize_name(Requirement(needed).name)
    return (name, *SAME_MODULES.get(name, ()))


def _mismatch(needed: str, named: str) -> Iterator[str]:
    """Say that the project asks for another version than the one that made the model."""
    wanted = [part.version for part in Requirement(needed).specifier if part.operator == "=="]
    if named and wanted and not Requirement(named).specifier.contains(wanted[0], prereleases=True):
        yield f"{named} is kept, though the model was made with {needed}: it may not load, or answer otherwise."
