"""Read nodes into dataclasses whose fields are named after the keys; every value keeps its key and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.azureml_files.nodes import Node

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

T = TypeVar("T")
S = TypeVar("S", bound="Section")

# Keys that people write in the wrong place, and what to use instead.
_ELSEWHERE = {
    "cpuCores": "In this file, containerResourceRequirements.cpu is what counts.",
    "memoryInGB": "In this file, containerResourceRequirements.memoryInGB is what counts.",
    "condaFile": "In an environment, python.condaDependenciesFile names it.",
    "dependencies": "Files that the script needs go along with sourceDirectory.",
    "schemaFile": "The schema is what the decorators of run() say.",
}
_TOO_MUCH = 10**300
_FIXES = {
    str: "Write one value, in quotes.",
    bool: "Write true or false, without quotes.",
    int: "Write the number without quotes.",
    float: "Write the number without quotes.",
}
_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Given(Generic[T]):
    """A value in a file, with its full key (`environment.docker.baseImage`) and place (`file:line`)."""

    key: str
    value: T
    where: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """A key that the original ignored silently."""

    key: str
    where: str
    hint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """An object in a file; `where` is its place, `unknown` lists its keys without a field.

    `unread` lists the keys that only other files of its kind have a use for, and that were not read.
    `repeated` lists the keys that a file gives again, wherever in it, with the line of the last value, which counts;
    only the section of the whole file has them.
    """

    where: str = ""
    unknown: tuple[Unknown, ...] = ()
    unread: tuple[Given[Any], ...] = ()
    repeated: tuple[Given[int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainSection(Section):
    """A section whose keys are the names of its fields, as in Azure ML v2."""


_OWN = frozenset(found.name for found in fields(Section))


def spelt(*keys: str, text_as: str = "") -> Any:
    """Declare a field whose keys are not its name in camel case; the first key is the documented one.

    `text_as` names the inner field that a plain text in place of the object sets.
    """
    return field(default=None, metadata={"keys": keys, "text_as": text_as})


def read_section(shape: type[S], node: Node, problems: Problems, *, prefix: str = "") -> S:
    """Read an object; absent, null and wrong values become None, and wrong ones are reported."""
    if not isinstance(node.value, Mapping):
        what = f"{prefix.rstrip('.') or 'the file'} must be an object, not {node.described()}."
        problems.add(node.where, what, "Write keys with their values, or remove it.")
        return shape()
    known = keys_of(shape)
    types = get_type_hints(shape)
    values: dict[str, Any] = {"where": node.where, "unknown": tuple(_unknown(node.value, known, prefix))}
    if not prefix:
        values["repeated"] = tuple(_repeated(node, ""))
    for key, member in node.value.items():
        if key in known and member.value is not None:
            target = known[key]
            values[target.name] = _read(types[target.name], member, f"{prefix}{key}", target, problems)
    return shape(**values)


def _unknown(members: Mapping[str, Node], known: Mapping[str, Any], prefix: str) -> list[Unknown]:
    return [
        Unknown(key=f"{prefix}{key}", where=member.where, hint=_ELSEWHERE.get(key) or did_you_mean(key, known))
        for key, member in members.items()
        if key not in known
    ]


def _repeated(node: Node, prefix: str) -> Iterator[Given[int]]:
    for key, member in node.members.items():
        if member.first:
            yield Given(key=f"{prefix}{key}", value=member.line, where=f"{member.path}:{member.first}")
        yield from _repeated(member, f"{prefix}{key}.")
    for item in node.value if isinstance(node.value, tuple) else ():
        yield from _repeated(item, prefix)


def keys_of(shape: type[Section]) -> dict[str, Field[Any]]:
    """Return every key that a section reads, with the field that takes its value."""
    own = [found for found in fields(shape) if found.name not in _OWN]
    spelling = str if issubclass(shape, PlainSection) else _camel_case
    return {key: found for found in own for key in found.metadata.get("keys") or (spelling(found.name),)}


def _camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _read(kind: Any, node: Node, key: str, target: Field[Any], problems: Problems) -> Any:
    kind = get_args(kind)[0]  # each is `… | None`
    if get_origin(kind) is not Given:
        text_as = target.metadata.get("text_as")
        if text_as and isinstance(node.value, str):
            return kind(where=node.where, **{text_as: Given(key=key, value=node.value, where=node.where)})
        return read_section(kind, node, problems, prefix=f"{key}.")
    wanted = get_args(kind)[0]
    if wanted is Node:
        return Given(key=key, value=node, where=node.where)
    value = _fitting(wanted, node)
    if value is None:
        problems.add(node.where, f"{key} must be {_NAMES[wanted]}, not {node.described()}.", _FIXES[wanted])
        return None
    return Given(key=key, value=value, where=node.where)


def _fitting(wanted: type, node: Node) -> Any:
    """Return the value as the wanted type, None where it has another; numbers pass as text (`version: 1`)."""
    value = node.value
    if wanted is str:
        return node.text if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    if wanted is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _TOO_MUCH:
            return None
        return float(value)
    return value if type(value) is wanted else None
