"""The values of a configuration file with their lines, whether it is JSON or YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A value with its place, which for a member of an object is the place of its key.

    `value` is a scalar, a tuple of nodes or a mapping of nodes; `text` is a scalar as written; `line` counts from 1,
    and is 0 where there is no file. `first` is the line of a member's first value where its object
    gives the key again, else 0.
    """

    path: str
    line: int
    value: bool | int | float | str | tuple[Node, ...] | Mapping[str, Node] | None
    text: str = ""
    first: int = 0

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path

    @property
    def members(self) -> Mapping[str, Node]:
        """Return the members of an object; any other value has none."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def is_empty(self) -> bool:
        """Whether the original treated it as absent: null, false, empty text, an empty list or object."""
        return not self.value

    def plain(self) -> Any:
        """Return the value without places."""
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, Mapping):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value

    def described(self) -> str:
        if isinstance(self.value, tuple):
            return "a list"
        if isinstance(self.value, Mapping):
            return "an object"
        return "null" if self.value is None else f"'{self.text}'" if self.text else repr(self.value)


def with_member(members: dict[str, Node], key: str, line: int, value: Node) -> None:
    """Add a member to an object that is being read; the last value of a key counts, as for the original."""
    before = members.get(key)
    first = (before.first or before.line) if before else 0
    members[key] = Node(path=value.path, line=line, value=value.value, text=value.text, first=first)


def node_of(value: Any, path: str) -> Node:
    """Make nodes of a program's plain values; errors name `path` as their place."""
    if isinstance(value, Mapping):
        return Node(path=path, line=0, value={str(key): node_of(item, path) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Node(path=path, line=0, value=tuple(node_of(item, path) for item in value))
    return Node(path=path, line=0, value=value, text="" if value is None else str(value))
