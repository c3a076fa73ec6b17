"""Edit `[tool.mlpackage]` in a pyproject.toml, and keep the comments, the order and the line ends of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem
from hatch_mlpackage.files.typed_tables import describe
from hatch_mlpackage.project.config.keys import KEY


def new_pyproject(name: str, version: str) -> str:
    """Return the text of a pyproject.toml that only names a project."""
    return tomlkit.dumps({"project": {"name": name, "version": version}})


def edited(text: str, table: Mapping[str, Any], *, path: Path, force: bool) -> str:
    """Return the text of a pyproject.toml with the keys of `table` set in `[tool.mlpackage]`.

    Raises ConfigurationError when a key already has another value, unless `force` is given.
    """
    try:
        document = tomlkit.parse(text.replace("\r\n", "\n"))
        tool = document.get("tool", {})
        present = tool.get("mlpackage", {}) if isinstance(tool, Mapping) else tool
        if not isinstance(present, Mapping):
            raise MLPackageError(f"{path}: {KEY} must be a table, not {describe(present)}. Remove it.")
        different = tuple(_conflicts(present, table, KEY))
        if different and not force:
            raise ConfigurationError(different)
        _merge(_table_of(document), table)
        written = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise MLPackageError(f"{path}: {error}. Correct the file.") from None
    return written.replace("\n", "\r\n") if "\r\n" in text else written


def _conflicts(present: Any, wanted: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for key, value in wanted.items():
        place = f"{where}.{key}"
        if not isinstance(present, Mapping) or key not in present:
            continue
        if isinstance(value, Mapping) and isinstance(present[key], Mapping):
            yield from _conflicts(present[key], value, place)
        elif present[key] != value:
            what = f"is {describe(present[key])} here, and {describe(value)} in what is imported."
            yield Problem(where=place, what=what, fix="Make them agree, or give --force to take what is imported.")


def _table_of(document: tomlkit.TOMLDocument) -> Any:
    """Return `[tool.mlpackage]`, and make it if it is missing."""
    tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
    return tool.setdefault("mlpackage", tomlkit.table())


def _merge(present: Any, wanted: Mapping[str, Any]) -> None:
    for key, value in wanted.items():
        if isinstance(value, Mapping) and isinstance(present.get(key), Mapping):
            _merge(present[key], value)
        elif key not in present or present[key] != value:
            # A table in braces has all of its values in braces.
            present[key] = value if isinstance(present, InlineTable) else _as_toml(value)


def _as_toml(value: Any) -> Any:
    if isinstance(value, Mapping):
        made = tomlkit.table()
        for key, inner in value.items():
            made.add(key, _as_toml(inner))
        return made
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        tables = tomlkit.aot()
        for inner in value:
            tables.append(_as_toml(inner))
        return tables
    return tomlkit.item(value)
