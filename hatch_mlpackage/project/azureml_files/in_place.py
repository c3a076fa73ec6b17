"""Use the original's files where they are: `inference-config` and `deployment-config` in `[tool.mlpackage]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.errors import Problem, Problems
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.files.typed_tables import describe
from hatch_mlpackage.project.azureml_files.configurations import read_configuration
from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.places import Places
from hatch_mlpackage.project.config.keys import IN_PLACE, KEY, leads_outside

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.nodes import Node
    from hatch_mlpackage.project.azureml_files.report import ReportRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A table with the keys that the files add; `origins` maps each such key to its place in a file."""

    table: Mapping[str, Any]
    rows: tuple[ReportRow, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def warnings(self) -> Iterator[Problem]:
        """Yield the keys without effect that somebody may have relied on."""
        for row in self.rows:
            if row.outcome in {"unknown", "repeated"} or (row.outcome == "by hand" and not row.settled_by):
                yield Problem(where=row.where, what=f"{row.key}: {_sentence(row.said)}", level="warning")

    def placed(self, problem: Problem) -> Problem:
        """Return a problem with the file and line that set its key."""
        for key, where in self.origins.items():
            if problem.where == key or problem.where.startswith((f"{key}.", f"{key}[")):
                shown = problem.where.removeprefix(f"{KEY}.")
                return replace(problem, where=f"{where}: {shown}")
        return problem


def with_imported(table: Mapping[str, Any], root: Path, problems: Problems) -> Imported:
    """Add the keys of the files to a table; the table's own keys win."""
    nodes = {key: _read(table[key], f"{KEY}.{key}", root, problems) for key in IN_PLACE if key in table}
    inference_node, deployment_node = (nodes.get(key) for key in IN_PLACE)
    if deployment_node and not inference_node and "inference-config" not in table:
        problems.add(f"{KEY}.deployment-config", "is only read beside inference-config.", "Name that file as well.")
    if not inference_node:
        return Imported(table=table)
    before = len(problems.found)
    configuration = read_configuration(inference_node, deployment_node, problems)
    if len(problems.found) > before:
        return Imported(table=table)
    places = Places(root=root, here=root, beside=(root / inference_node.path).parent)
    python = str(table.get("python-version") or "")
    conversion = configuration.converted(places, problems, in_place=True, python=python)
    merged = _merged(conversion.table, table)
    for row in conversion.rows:
        if row.outcome == "by hand" and row.settled_by and not any(key in merged for key in row.settled_by):
            keys = " or ".join(row.settled_by)
            problems.add(row.where, f"{row.key}: {_sentence(row.said)}", f"Decide it with {keys} in [{KEY}].")
    return Imported(table=merged, rows=conversion.rows, origins=_origins(conversion.rows, table))


def _read(name: object, where: str, root: Path, problems: Problems) -> Node | None:
    if not isinstance(name, str):
        problems.add(where, f"must be a string, not {describe(name)}.")
        return None
    path = name.replace("\\", "/")
    if leads_outside(path) or not path.isprintable():
        problems.add(where, f"'{name}' is outside of the project.", "Copy it into the project.")
        return None
    try:
        content = file_bytes(root / path)
    except OSError as error:
        problems.add(where, f"'{name}' cannot be read: {error.strerror}.", "Correct the path, relative to the project.")
        return None
    return read_document(content, path, problems)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _merged(imported: Mapping[str, Any], explicit: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**imported, **explicit}
    for key, value in imported.items():
        if isinstance(value, Mapping) and isinstance(explicit.get(key), Mapping):
            merged[key] = _merged(value, explicit[key])
    return merged


def _origins(rows: tuple[ReportRow, ...], explicit: Mapping[str, Any]) -> dict[str, str]:
    keys = {row.said.partition(" = ")[0]: row.where for row in rows if row.outcome == "taken"}
    return {f"{KEY}.{key}": where for key, where in keys.items() if not _has(explicit, key)}


def _has(table: Any, key: str) -> bool:
    head, dot, rest = key.partition(".")
    if not isinstance(table, Mapping) or head not in table:
        return False
    return _has(table[head], rest) if dot else True
