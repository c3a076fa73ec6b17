"""Adapt the requirements to the entry script, written by hand or generated from a model.

An entry script written for the original server lists `azureml-defaults`, which installed that server into the model's
environment and pinned dozens of packages there. The lock leaves it out, because the image has a server of its own, and
names the packages that the script itself imports of those that it brought.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_mlpackage.lock.asked.brought import BROUGHT, LEFT_OUT, STOOD_IN
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.project.no_code.frameworks import SAME_MODULES
from hatch_mlpackage.project.sources.entry_script import EntryScript

if TYPE_CHECKING:
    from hatch_mlpackage.project.no_code.generated import NoCode

# Modules of inference-schema that need one of its extras → extra.
_SCHEMA_EXTRAS = {
    "inference_schema.parameter_types.numpy_parameter_type": "numpy-support",
    "inference_schema.parameter_types.pandas_parameter_type": "pandas-support",
}
# Modules whose requests and responses are werkzeug's.
_RAW = ("azureml.contrib.services", "azureml_inference_server_http")
_WERKZEUG, _FLASK = "werkzeug", "flask"


def replace_serving(requirements: Requirements, script: EntryScript, *, conda: Iterable[str] = ()) -> Requirements:
    """Leave out what the server replaces, and add what the script needs of it; each change gets a note.

    `conda` are the names of the packages that conda installs.
    """
    asked = [(Requirement(text).name, text) for text in requirements.requirements]
    dropped = sorted((name, text) for name, text in asked if name in LEFT_OUT)
    kept = [text for name, text in asked if name not in LEFT_OUT]
    names = {name for name, _ in asked} - LEFT_OUT.keys() | set(map(canonicalize_name, conda))
    added = dict(_needed(script, names, after=tuple(dict.fromkeys(name for name, _ in dropped))))
    notes = [
        *(f"{text} is left out: {LEFT_OUT[name]}." for name, text in dropped),
        *(f"{requirement} is added: {reason}." for requirement, reason in added.items()),
    ]
    return replace(
        requirements,
        requirements=tuple(sorted([*kept, *added])),
        notes=(*requirements.notes, *notes),
    )


def _needed(script: EntryScript, asked: AbstractSet[str], *, after: Sequence[str]) -> Iterator[tuple[str, str]]:
    brought: dict[tuple[str, str], list[str]] = {}
    for name in after:
        for module, distribution in BROUGHT[name].items():
            if distribution not in asked and _uses(script, module):
                brought.setdefault((module, distribution), []).append(name)
    for (module, distribution), names in brought.items():
        yield _with_extras(distribution, script), f"the script imports {module}, which {' and '.join(names)} brought"
    if not {_WERKZEUG, _FLASK} & asked and (script.call_style == "rawhttp" or any(map(script.uses, _RAW))):
        yield _WERKZEUG, "the script takes the raw request, an object of this package"


def _uses(script: EntryScript, module: str) -> bool:
    """Tell whether the script needs the real module; for some the stand-ins are enough."""
    if module != "azureml.core":
        return script.uses(module)
    names = (name for name in script.imports if name == module or name.startswith(f"{module}."))
    return any(not name.startswith(STOOD_IN) for name in names)


def _with_extras(distribution: str, script: EntryScript) -> str:
    extras = sorted(extra for module, extra in _SCHEMA_EXTRAS.items() if script.uses(module))
    return f"{distribution}[{','.join(extras)}]" if distribution == "inference-schema" and extras else distribution


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
