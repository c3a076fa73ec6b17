"""A configuration file as values that know the line they stand on, whichever notation they came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A value with its place; that of a mapping's member is its key's.

    `value` is a scalar, a tuple of nodes or a mapping of nodes; `text` is a scalar as it was written; `line` counts
    from 1, and is 0 where there is no file.
    """

    path: str
    line: int
    value: bool | int | float | str | tuple[Node, ...] | Mapping[str, Node] | None
    text: str = ""

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path

    @property
    def members(self) -> Mapping[str, Node]:
        """Return the members of an object; none of anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def is_empty(self) -> bool:
        """Whether the original took it for absent: null, false, a blank text, an empty list or object."""
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


def node_of(value: Any, path: str) -> Node:
    """Make nodes of plain values that come from a program; `path` is what errors call their place."""
    if isinstance(value, Mapping):
        return Node(path=path, line=0, value={str(key): node_of(item, path) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Node(path=path, line=0, value=tuple(node_of(item, path) for item in value))
    return Node(path=path, line=0, value=value, text="" if value is None else str(value))
