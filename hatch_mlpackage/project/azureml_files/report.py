"""The result of a conversion: the table, the files, and a report of what became of each key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hatch_mlpackage.project.azureml_files.places import BRING_IN, Found, Places, find, whole_project

if TYPE_CHECKING:
    from pathlib import Path

    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.shapes import Given, Section

# taken: it is in the table. no meaning: it concerns nothing in an image. unknown: the original ignored it too.
# repeated: a later value of the key counts. by hand: a person must decide, as the row says.
Outcome = Literal["taken", "no meaning", "unknown", "repeated", "by hand"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """A key of a file, and what it became or why it has no meaning.

    `settled_by` names the keys of `[tool.mlpackage]` that make the decision; without them the row is only advice.
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
    rows: tuple[ReportRow, ...]


@dataclass(kw_only=True, slots=True)
class Draft:
    """An unfinished conversion; its methods do nothing for a key that the file does not give (None).

    Conda dependencies and a Dockerfile's text become files of their own; with `in_place` they stay where they are.
    `python` is the version that the user chose, whatever the files pin, and
    `python_way` is how to choose one.
    """

    places: Places
    problems: Problems
    in_place: bool
    python: str = ""
    python_way: str = ""
    table: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    rows: list[ReportRow] = field(default_factory=list)

    def take(self, given: Given[Any] | None, key: str, value: Any, note: str = "", *, is_secret: bool = False) -> None:
        """Set a key of the table (`server.workers`); the report does not show a secret."""
        if given is None:
            return
        *tables, last = key.split(".", maxsplit=1 if key.startswith("environment-variables.") else -1)
        inner = self.table
        for name in tables:
            inner = inner.setdefault(name, {})
        inner[last] = value
        shown = "…" if is_secret else json.dumps(value, ensure_ascii=False)  # TOML escapes strings as JSON does
        self._add(given, "taken", f"{key} = {shown}" + (f": {note}" if note else ""))

    def take_path(self, given: Given[str] | None, key: str, *, source: Path | None = None) -> Found | None:
        """Set a key to a file that the configuration names; return None where it names no usable file."""
        found = find(given, self.places, self.problems, source=source) if given and given.value.strip() else None
        if given is None or found is None:
            return None
        self.take_found(given, key, found)
        return found if found.path else None

    def take_found(self, given: Given[str], key: str, found: Found, note: str = "") -> None:
        """Set a key to a file or folder that was found, or ask for one that is outside of the project."""
        if found.path:
            self.take(given, key, found.path, found.note or note)
        elif whole_project(self.places):
            what = f"{given.key} names '{given.value}', which is outside of the project."
            self.problems.add(given.where, what, whole_project(self.places))
        else:
            self.by_hand(given, f"'{given.value}' is outside of the project: {BRING_IN}", key)

    def drop(self, given: Given[Any] | None, why: str) -> None:
        if given is not None:
            self._add(given, "no meaning", why)

    def by_hand(self, given: Given[Any] | None, what: str, *settled_by: str) -> None:
        if given is not None:
            self._add(given, "by hand", what, settled_by)

    def name_unknown(self, *sections: Section | None) -> None:
        """Report the keys that have no field, and those that are given again."""
        for section in filter(None, sections):
            for given in section.repeated:
                said = f"line {given.value} gives this key again: the last value counts, as in the original"
                self._add(given, "repeated", said)
            for unknown in section.unknown:
                said = "this file has no such key; the original ignored it silently"
                said += f". {unknown.hint}" if unknown.hint else ""
                self.rows.append(ReportRow(key=unknown.key, where=unknown.where, outcome="unknown", said=said))

    def finish(self) -> Conversion:
        return Conversion(table=self.table, files=self.files, rows=tuple(self.rows))

    def _add(self, given: Given[Any], outcome: Outcome, said: str, settled_by: tuple[str, ...] = ()) -> None:
        row = ReportRow(key=given.key, where=given.where, outcome=outcome, said=said, settled_by=settled_by)
        self.rows.append(row)
