"""Read a JSON or YAML file, whatever its suffix: the original read both as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.files.yaml_lines import broken_lines, line_of, read_yaml
from hatch_mlpackage.project.azureml_files.json_text import DEEPEST, NotJSONError, read_json
from hatch_mlpackage.project.azureml_files.nodes import Node, with_member

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

_EMPTY = "Write the configuration into it."
_BOOLEANS = frozenset({"yes", "true", "on"})


def read_document(content: bytes, path: str, problems: Problems) -> Node | None:
    """Parse a file's bytes into nodes; add every problem, and return None where there was one.

    YAML needs PyYAML; without it, that is the problem.
    """
    try:
        text = decode(content)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.add(f"{path}:{line}", "this line is not UTF-8 text.", "Save the file as UTF-8.")
        return None
    node = _read_text(text, path, problems)
    return node if node is not None and _is_text(node, problems) else None


def _read_text(text: str, path: str, problems: Problems) -> Node | None:
    try:
        return read_json(text, path)
    except NotJSONError:
        return _read_yaml(text, path, problems)


def _is_text(node: Node, problems: Problems) -> bool:
    """Report text that TOML and file names cannot hold; return whether there was none."""
    broken = [found for found in _walk(node) if any("\ud800" <= character <= "\udfff" for character in found.text)]
    for found in broken:
        problems.add(found.where, "this text holds half a character (a lone surrogate).", "Write the character whole.")
    return not broken


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node.value, tuple):
        for item in node.value:
            yield from _walk(item)
    elif isinstance(node.value, dict):
        for key, item in node.value.items():
            yield Node(path=item.path, line=item.line, value=key, text=key)
            yield from _walk(item)


def _read_yaml(text: str, path: str, problems: Problems) -> Node | None:
    if broken_lines(text, path, problems):
        return None
    root = read_yaml(text, path, problems, empty=_EMPTY)
    if root is None:
        return None
    reader = _YamlReader(path, problems)
    before = len(problems.found)
    node = reader.read(root, 0)
    return node if len(problems.found) == before else None


class _YamlReader:
    """Turn a YAML library's nodes into ours; an alias shows as a node that was seen before."""

    def __init__(self, path: str, problems: Problems) -> None:
        self._path = path
        self._problems = problems
        self._seen: set[int] = set()

    def read(self, node: Any, depth: int) -> Node:
        line = line_of(node)
        if node.id == "scalar":
            return Node(path=self._path, line=line, value=_scalar_value(node), text=str(node.value))
        if depth > DEEPEST or id(node) in self._seen:
            what = "the nesting is too deep." if depth > DEEPEST else "an alias repeats a list or an object."
            fix = f"Use {DEEPEST} levels at most." if depth > DEEPEST else "Write the contents out in its place."
            self._problems.add(f"{self._path}:{line}", what, fix)
            return Node(path=self._path, line=line, value=None)
        self._seen.add(id(node))
        if node.id == "sequence":
            items = tuple(self.read(item, depth + 1) for item in node.value)
            return Node(path=self._path, line=line, value=items)
        return Node(path=self._path, line=line, value=self._members(node, depth))

    def _members(self, node: Any, depth: int) -> Mapping[str, Node]:
        members: dict[str, Node] = {}
        for key, value in node.value:
            line = line_of(key)
            if key.id != "scalar":
                self._problems.add(f"{self._path}:{line}", "this key is not text.", "Write a name before the colon.")
                continue
            with_member(members, str(key.value), line, self.read(value, depth + 1))
        return members


def _scalar_value(node: Any) -> bool | int | float | str | None:
    """Return a scalar as YAML 1.1 types it; text that only looks like a number stays text."""
    kind, text = node.tag.rpartition(":")[2], str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in _BOOLEANS
    try:
        return int(text.replace("_", ""), 0) if kind == "int" else float(text) if kind == "float" else text
    except ValueError:
        return text
