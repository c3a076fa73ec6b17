"""Adds what a generated script imports to the project's requirements, in the versions that made the model."""

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
    """Add what the generated script needs and the project does not ask for itself.

    `inline` are the requirements that the project names itself, outside of the model's own files; `conda` are the names
    of the packages that conda installs. A requirement that the project names stays as it is, and a note says where it
    excludes the version that made the model.
    """
    left_out = set(no_code.left_out) - set(map(_name, inline))
    dropped = [text for text in requirements.requirements if _name(text) in left_out]
    kept = [text for text in requirements.requirements if _name(text) not in left_out]
    by_conda = set(map(_name, conda))
    added: dict[str, str] = {}
    notes = [
        *(f"The model: {note}" for note in no_code.notes),
        *(f"{text} is left out: what loads the model is added in its place." for text in dropped),
    ]
    for needed, reason in no_code.requirements.items():
        names = _names(needed)
        named = [text for text in kept if _name(text) in names]
        notes += _mismatches(needed, named)
        if not named and by_conda.isdisjoint(names):
            added[needed] = reason
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


def _mismatches(needed: str, named: Iterable[str]) -> Iterator[str]:
    """Name each requirement of the project that excludes the version that made the model."""
    made_with = [part.version for part in Requirement(needed).specifier if part.operator == "=="]
    for text in named if made_with else ():
        if not Requirement(text).specifier.contains(made_with[0], prereleases=True):
            yield f"{text} is kept, though the model was made with {needed}: it may not load, or answer otherwise."
