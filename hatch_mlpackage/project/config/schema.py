"""Describe `[tool.mlpackage]` from its classes: as a JSON Schema for programs, as tables of keys for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hatch_mlpackage.project.config.keys import KEY, Config

_JSON_TYPES = {str: "string", int: "integer", bool: "boolean"}
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")  # a Markdown link to a page, which an editor cannot open


def tool_schema(tool: str = "mlpackage") -> dict[str, Any]:
    """Return the JSON Schema of the table; validate-pyproject prescribes the signature."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"urn:hatch-mlpackage:{tool}",
        "title": f"[{KEY}]: a model, its entry script and their dependencies as a Docker build context",
        **_schema_of(Config),
    }


def key_tables() -> dict[str, str]:
    """Return a Markdown table of keys for each TOML table, by the header of that TOML table."""
    return {header: _markdown(shape) for header, shape in _tables(Config, KEY)}


def _tables(shape: type, name: str) -> Iterator[tuple[str, type]]:
    """Yield every TOML table with its class, each before the tables inside it."""
    yield f"[{name}]", shape
    for key, kind, _ in _keys(shape):
        if is_dataclass(kind):
            yield from _tables(kind, f"{name}.{key}")  # type: ignore[arg-type]
        elif get_origin(kind) is tuple and is_dataclass(get_args(kind)[0]):
            yield f"[[{name}.{key}]]", get_args(kind)[0]


def _keys(shape: type) -> Iterator[tuple[str, Any, Field[Any]]]:
    """Yield each key of a table, its type (without None, which only means that the key may be absent) and its field."""
    types = get_type_hints(shape)
    for field in fields(shape):
        kind = types[field.name]
        if get_origin(kind) in {Union, UnionType}:  # a Literal's is the former
            kind = next(option for option in get_args(kind) if option is not NoneType)
        yield field.name.replace("_", "-"), kind, field


def _schema_of(shape: type) -> dict[str, Any]:
    properties = {
        key: {
            "description": _LINK.sub(r"\1", field.metadata["says"]),
            **_value_schema(kind),
            **field.metadata.get("schema", {}),
        }
        for key, kind, field in _keys(shape)
    }
    required = [key for key, _, field in _keys(shape) if _is_required(field)]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }


def _value_schema(kind: Any) -> dict[str, Any]:
    if is_dataclass(kind):
        return _schema_of(kind)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _value_schema(get_args(kind)[0])}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _value_schema(get_args(kind)[1])}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    return {"type": _JSON_TYPES[kind]}


def _markdown(shape: type) -> str:
    rows = [
        f"| `{key}` | {_shown_default(field)} | {field.metadata['says']} |"
        for key, kind, field in _keys(shape)
        if not is_dataclass(kind)  # it has a table of its own
    ]
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows])


def _shown_default(field: Field[Any]) -> str:
    if field.metadata["shown"]:
        return str(field.metadata["shown"])
    if _is_required(field):
        return "required"
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return "none" if default is None else f"`{json.dumps(default)}`"


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
