"""Read from an entry script, without running it, what a request to it may be."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hatch_mlpackage.files.parse import parse_python

TEXT, JSON = "TEXT", "JSON"  # words for a body that the script reads itself
_LONGEST = 200  # characters that a command can show
_ARRAYS = frozenset({"array", "asarray"})
_HEADERS = "request_headers"  # run() gets these besides the body


def request_of_script(source: bytes, name: str) -> str:
    """Return a request: the sample of its `@input_schema`, a word for a body of text, or "" where neither is known."""
    try:
        tree = parse_python(source, name)
    except (SyntaxError, ValueError):
        return ""
    values = dict(_assigned(tree))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "run":
            return _request(node, values, JSON if "json" in _imported(tree) else TEXT)
    return ""


def short_request(text: str) -> str:
    """Return a JSON document on one line, or "" where it is too long to be shown."""
    line = json.dumps(json.loads(text), ensure_ascii=False)
    return line if len(line) <= _LONGEST else ""


def _request(run: ast.FunctionDef | ast.AsyncFunctionDef, values: Mapping[str, ast.expr], word: str) -> str:
    if not run.decorator_list:
        return word if len([it for it in run.args.args if it.arg != _HEADERS]) == 1 else ""
    try:
        schemas = [it for it in run.decorator_list if _name(it) == "input_schema" and isinstance(it, ast.Call)]
        samples = dict(_sample(schema, values) for schema in schemas)
        return short_request(json.dumps(samples)) if samples else ""
    except (ValueError, TypeError, LookupError, RecursionError):  # computed elsewhere
        return ""


def _sample(schema: ast.Call, values: Mapping[str, ast.expr]) -> tuple[str, Any]:
    given = {it.arg: it.value for it in schema.keywords}
    name, kind = [*schema.args, *(given[key] for key in ("param_name", "param_type")[len(schema.args) :])]
    if not isinstance(kind, ast.Call):
        raise TypeError
    first = [*kind.args, *(it.value for it in kind.keywords if it.arg == "sample_input")][0]
    return ast.literal_eval(name), _value(first, values)


def _value(node: ast.expr, values: Mapping[str, ast.expr]) -> Any:
    """Evaluate a literal, an array or a table of literals, or the name of one; raise ValueError for others."""
    if isinstance(node, ast.Name):
        return _value(values[node.id], {name: it for name, it in values.items() if name != node.id})
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    first = [*node.args, *(it.value for it in node.keywords if it.arg == "data")][0]
    if _name(node) in _ARRAYS:
        return ast.literal_eval(first)
    if _name(node) == "DataFrame":
        return _records(ast.literal_eval(first))
    raise ValueError


def _records(table: Any) -> Any:
    """Return the rows of a table by the names of its columns, as a request gives them."""
    if isinstance(table, dict):
        return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    if not all(isinstance(row, dict) for row in table):
        raise ValueError
    return table


def _name(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _imported(tree: ast.Module) -> set[str]:
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
