"""Read JSON by hand: `json` gives no line numbers, and refuses a comma after the last item, which many files have."""

from __future__ import annotations

import json
import re

from hatch_mlpackage.project.azureml_files.nodes import Node, with_member

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<mark>[{}\[\]:,])
      | (?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")
      | (?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<word>true|false|null)\b
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
DEEPEST = 50  # levels; the original's files have five


class NotJSONError(ValueError):
    """The text is not JSON; it may be YAML."""


def read_json(text: str, path: str) -> Node:
    """Parse one document; raise NotJSONError for anything else."""
    reader = _JSONReader(text, path)
    node = reader.value(0)
    if reader.kind != "end":
        raise NotJSONError("there is something after the document")
    return node


class _JSONReader:
    """A reader that holds the next token: its kind, its text and its line."""

    def __init__(self, text: str, path: str) -> None:
        self._document = text
        self._path = path
        self._at = 0
        self.line = 1
        self._advance()

    def _advance(self) -> None:
        found = _TOKEN.match(self._document, self._at)
        if found is None or found.lastgroup is None:
            raise NotJSONError("no token of JSON")
        self.kind, self.text = found.lastgroup, found[found.lastgroup]
        start = found.start(found.lastgroup)
        self.line += self._document.count("\n", self._at, start)
        self._at = found.end()

    def _take(self, mark: str) -> bool:
        if self.kind != "mark" or self.text != mark:
            return False
        self._advance()
        return True

    def value(self, depth: int) -> Node:
        line = self.line
        if depth > DEEPEST:
            raise NotJSONError("too deep")
        if self._take("{"):
            return Node(path=self._path, line=line, value=self._members(depth))
        if self._take("["):
            return Node(path=self._path, line=line, value=self._items(depth))
        return self._scalar()

    def _scalar(self) -> Node:
        if self.kind in {"mark", "end"}:
            raise NotJSONError(f"a value is missing on line {self.line}")
        token, line = self.text, self.line
        try:
            value = json.loads(token)
        except ValueError as error:
            raise NotJSONError(str(error)) from None
        self._advance()
        return Node(path=self._path, line=line, value=value, text=value if isinstance(value, str) else token)

    def _items(self, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._take("]"):
            items.append(self.value(depth + 1))
            if not self._take(",") and self.text != "]":
                raise NotJSONError(f"a comma is missing on line {self.line}")
        return tuple(items)

    def _members(self, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while not self._take("}"):
            if self.kind != "text":
                raise NotJSONError(f"a key is missing on line {self.line}")
            key = self._scalar()
            if not self._take(":"):
                raise NotJSONError(f"a colon is missing on line {key.line}")
            member = self.value(depth + 1)
            with_member(members, key.text, key.line, member)
            if not self._take(",") and self.text != "}":
                raise NotJSONError(f"a comma is missing on line {self.line}")
        return members
