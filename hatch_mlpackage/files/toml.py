"""Quote TOML strings and find the lines of keys by hand: a bare `hatch build` has only `tomllib`, which cannot."""

from __future__ import annotations

import json
import re
import tomllib

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # up to two quotes may come before the three that end it
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def toml_string(text: str) -> str:
    """Quote text as a TOML string of ASCII characters, for a key or a value."""
    # JSON escapes all that TOML does, except U+007F; above U+FFFF it writes two halves, which TOML refuses.
    return re.sub(r"[^\x00-\x7e]", _escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    one = found[0]
    return f"\\u{ord(one):04x}" if one <= "\uffff" else f"\\U{ord(one):08x}"


def key_lines(text: str) -> dict[str, int]:
    """Map every key, such as `tool.mlpackage.models[0].path`, to its line, and every table to its header's line.

    The text must be one that `tomllib` has read: mistakes in it are not noticed here.
    """
    return _Scanner(text).scan()


def line_of(key: str, lines: dict[str, int]) -> int | None:
    """Return the line of a key, or, if the key is absent, of the nearest table or array above it."""
    ends = (len(key), *(found.start() for found in reversed([*re.finditer(r"[.\[]", key)])))
    return next((lines[key[:end]] for end in ends if key[:end] in lines), None)


class _Scanner:
    """Read a text once; `_at` is the index of the next character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[str, int] = {}
        self._tables: dict[str, int] = {}  # arrays of tables, and the index of the last table of each so far

    def scan(self) -> dict[str, int]:
        prefix = ""
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)
            self._skip(_BLANK)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at + 1
        return found[0] if found else ""

    def _note(self, key: str) -> None:
        self._lines.setdefault(key, self._text.count("\n", 0, self._at) + 1)

    def _header(self) -> str:
        """Read `[a.b]` or `[[a.b]]` and return the prefix of the keys below it."""
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        *above, last = self._parts()
        self._at += brackets
        key = ""
        for part in above:
            key = self._current(_joined(key, part))
            self._note(key)
        key = _joined(key, last)
        self._note(key)
        if brackets == 1:
            return self._current(key)
        self._tables[key] = self._tables.get(key, -1) + 1
        self._note(self._current(key))
        return self._current(key)

    def _current(self, key: str) -> str:
        """Return the key of the last table if `key` is an array of tables: headers and keys continue from there."""
        return f"{key}[{self._tables[key]}]" if key in self._tables else key

    def _parts(self) -> list[str]:
        """Read a dotted key."""
        parts = []
        while True:
            self._skip(_SPACE)
            quoted = self._text[self._at] in "\"'"
            part = self._skip(_TEXT if quoted else _BARE)
            parts.append(tomllib.loads(f"key = {part}")["key"] if quoted else part)
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _pair(self, prefix: str) -> None:
        """Read `a.b = value` in a table or an inline table."""
        begin = self._at
        key = prefix
        parts = self._parts()
        end, self._at = self._at, begin
        for part in parts:
            key = _joined(key, part)
            self._note(key)
        self._at = end + 1  # the equals sign
        self._skip(_SPACE)
        self._value(key)

    def _value(self, key: str) -> None:
        opening = self._text[self._at]
        if opening in "\"'":
            self._skip(_TEXT)
        elif opening == "[":
            self._items(key, "]")
        elif opening == "{":
            self._items(key, "}")
        else:
            self._skip(_SCALAR)

    def _items(self, key: str, closing: str) -> None:
        """Read an array or an inline table."""
        self._at += 1
        index = 0
        self._skip(_BLANK)
        while self._text[self._at] != closing:
            if closing == "]":
                self._note(f"{key}[{index}]")
                self._value(f"{key}[{index}]")
            else:
                self._pair(key)
            index += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1


def _joined(key: str, part: str) -> str:
    return f"{key}.{part}" if key else part
