"""Adds what a generated script imports to what the project asks for, in the versions that made the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_mlpackage.project.no_code.frameworks import SAME_MODULES

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements
    from hatch_mlpackage.project.no_code.generated import NoCode


def with_generated(
    requirements: Requirements, no_code: NoCode, *, inline: Iterable[str] = (), conda: Iterable[str] = ()
) -> Requirements:
    """Add what the script needs and nobody else brings.

    `inline` are the requirements that the project names itself, in no file of the model's; `conda` are the names of the
    packages that conda installs. What is named is taken as it is: a note says where that is not what made the model.
    """
    left_out = {name for name in no_code.left_out if name not in map(_name, inline)}
    dropped = [text for text in requirements.requirements if _name(text) in left_out]
    kept = [text for text in requirements.requirements if text not in dropped]
    asked = {_name(text): text for text in kept} | dict.fromkeys(map(_name, conda), "")
    added: dict[str, str] = {}
    notes = [
        *(f"The model: {note}" for note in no_code.notes),
        *(f"{text} is left out: what loads the model is added in its place." for text in dropped),
    ]
    for needed, reason in no_code.requirements.items():
        named = next((asked[name] for name in _names(needed) if name in asked), None)
        if named is None:
            added[needed] = reason
        else:
            notes += _mismatch(needed, named)
    notes += [f"{requirement} is added: {reason}." for requirement, reason in added.items()]
    return replace(
        requirements,
        requirements=tuple(sorted([*kept, *added])),
        notes=(*requirements.notes, *notes),
    )


def _name(text: str) -> str:
    """Return the canonical name of what a requirement asks for."""
    match = re.match(r"\s*([\w.-]+)", text)
    return canonicalize_name(match[1]) if match else ""


def _names(needed: str) -> tuple[str, ...]:
    name = _name(needed)
    return (name, *SAME_MODULES.get(name, ()))


def _mismatch(needed: str, named: str) -> Iterator[str]:
    """Say that the project asks for another version than the one that made the model."""
    wanted = [part.version for part in Requirement(needed).specifier if part.operator == "=="]
    if named and wanted and not Requirement(named).specifier.contains(wanted[0], prereleases=True):
        yield f"{named} is kept, though the model was made with {needed}: it may not load, or answer otherwise."
