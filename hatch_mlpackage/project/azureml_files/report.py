"""What became of each key: the rows of the report, and the table and files that go with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.shapes import Given, Section

# taken: it is in the table. no meaning: nothing in an image answers to it. unknown: the original ignored it too.
# by hand: somebody must decide, and the row says what.
Outcome = Literal["taken", "no meaning", "unknown", "by hand"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A key of a file, with what it became or why it became nothing.

    `settled_by` are keys of `[tool.mlpackage]` with which the decision is made; without any it is only advice.
    """

    key: str
    where: str
    outcome: Outcome
    said: str
    settled_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """`[tool.mlpackage]` as plain values, files to write (path in the project → text), and the report."""

    table: Mapping[str, Any]
    files: Mapping[str, str]
    rows: tuple[Row, ...]


@dataclass(kw_only=True, slots=True)
class Draft:
    """A conversion in the making; every method takes what the file gives, or None where it gives nothing."""

    table: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def take(self, given: Given[Any] | None, key: str, value: Any, note: str = "", *, is_secret: bool = False) -> None:
        """Set a key of the table (`server.workers`); the report does not show a secret."""
        if given is None:
            return
        *tables, last = key.split(".", maxsplit=1 if key.startswith("environment-variables.") else -1)
        inner = self.table
        for name in tables:
            inner = inner.setdefault(name, {})
        inner[last] = value
        self._add(given, "taken", f"{key} = {'…' if is_secret else _toml(value)}" + (f": {note}" if note else ""))

    def drop(self, given: Given[Any] | None, why: str) -> None:
        if given is not None:
            self._add(given, "no meaning", why)

    def by_hand(self, given: Given[Any] | None, what: str, *settled_by: str) -> None:
        if given is not None:
            self._add(given, "by hand", what, settled_by)

    def name_unknown(self, *sections: Section | None) -> None:
        """Name the keys that nobody reads."""
        for section in filter(None, sections):
            for unknown in section.unknown:
                said = "not a key of such a file; the original ignored it in silence"
                said += f". {unknown.hint}" if unknown.hint else ""
                self.rows.append(Row(key=unknown.key, where=unknown.where, outcome="unknown", said=said))

    def finish(self) -> Conversion:
        return Conversion(table=self.table, files=self.files, rows=tuple(self.rows))

    def _add(self, given: Given[Any], outcome: Outcome, said: str, settled_by: tuple[str, ...] = ()) -> None:
        row = Row(key=given.key, where=given.where, outcome=outcome, said=said, settled_by=settled_by)
        self.rows.append(row)


def _toml(value: Any) -> str:
    """Write a value as TOML would; its strings are escaped as JSON's are."""
    return json.dumps(value, ensure_ascii=False)
