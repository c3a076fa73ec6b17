"""Write the conda dependencies of a JSON file as YAML by hand: a bare `hatch build` has no YAML library."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.quoting import quote_for_yaml
from hatch_mlpackage.project.azureml_files.documents import read_document

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.nodes import Node

# YAML reads these as the same text without quotes; anything else is quoted as JSON, which YAML reads too.
_PLAIN = re.compile(r"[A-Za-z_][\w./:+-]*(?:[=<>!~*,\[\]]+[\w.*,=<>!~\[\]+-]*)?")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "none"})


def dependencies_in_place(content: bytes, path: str, inside: str, problems: Problems) -> str | None:
    """Return the conda dependencies under a key as YAML that keeps their lines; report a problem and return None."""
    document = read_document(content, path, problems)
    node = _node_at(document, inside)
    if document and node is None:
        problems.add(path, f"it has no {inside}.", "Name the key that holds the conda dependencies.")
    return in_place(node) if node else None


def written_dependencies(content: bytes, path: str, inside: str) -> str:
    """Return the conda dependencies under a key as an environment file; empty text where there are none."""
    node = _node_at(read_document(content, path, Problems()), inside)
    return as_environment_file(node) if node else ""


def _node_at(node: Node | None, inside: str) -> Node | None:
    for key in inside.split("."):
        node = node.members.get(key) if node else None
    return node


def conda_items(conda: Node) -> tuple[list[Node], list[Node]]:
    """Return the requirements for conda and those for pip.

    Conda also takes `{"conda": […], "pip": […]}` among the dependencies.
    """
    listed, pip = [], []
    for item in _items(conda.members.get("dependencies")):
        if not isinstance(item.value, Mapping):
            listed.append(item)
            continue
        listed += _items(item.value.get("conda"))
        pip += _items(item.value.get("pip"))
    return listed, pip


def odd_keys(conda: Node) -> Iterator[tuple[str, Node]]:
    """Yield the keys of mappings among the dependencies that are neither pip's nor conda's."""
    for item in _items(conda.members.get("dependencies")):
        if isinstance(item.value, Mapping):
            yield from ((key, node) for key, node in item.value.items() if key not in {"pip", "conda"})


def as_environment_file(conda: Node) -> str:
    """Return the text of an `environment.yml` with the same channels and requirements."""
    listed, pip = conda_items(conda)
    channels = _items(conda.members.get("channels"))
    lines = (
        [f"name: {_quoted(conda.members['name'])}"] if conda.members.get("name") and conda.members["name"].value else []
    )
    lines += ["channels:", *(f"  - {_quoted(channel)}" for channel in channels)] if channels else []
    lines += ["dependencies:", *(f"  - {_quoted(item)}" for item in listed)]
    lines += ["  - pip:", *(f"      - {_quoted(item)}" for item in pip)] if pip else []
    return "\n".join([*lines, ""])


def in_place(conda: Node) -> str:
    """Return the same in YAML's flow style, with every requirement on its line of the original file."""
    listed, pip = conda_items(conda)
    flow = _Flow()
    flow.add(conda.line, "{")
    for key in ("channels", "dependencies"):
        if conda.members.get(key):
            flow.add(conda.members[key].line, f'"{key}": [')
            items = listed if key == "dependencies" else _items(conda.members[key])
            for item in items:
                flow.add(item.line, f"{_json(item)}, ")
            if key == "dependencies" and pip:
                flow.add(pip[0].line, '{"pip": [')
                for item in pip:
                    flow.add(item.line, f"{_json(item)}, ")
                flow.text += "]}"
            flow.text += "], "
    return f"{flow.text}}}\n"


class _Flow:
    """Text that grows by pieces, each on a given line."""

    def __init__(self) -> None:
        self.text = ""
        self._line = 1

    def add(self, line: int, text: str) -> None:
        missing = max(line - self._line, 0)
        self.text += "\n" * missing + text
        self._line += missing


def _items(node: Node | None) -> list[Node]:
    if node is None or node.value is None:
        return []
    return list(node.value) if isinstance(node.value, tuple) else [node]


def _quoted(node: Node) -> str:
    text = node.text if not isinstance(node.value, tuple | Mapping) else json.dumps(node.plain(), ensure_ascii=False)
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text.endswith(":") and ": " not in text
    return text if is_plain else quote_for_yaml(text)


def _json(node: Node) -> str:
    value = node.plain() if isinstance(node.value, tuple | Mapping) else node.text
    return quote_for_yaml(value)
