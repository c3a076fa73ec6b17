"""Match paths with the lines of a `.gitignore` exactly as git does, byte for byte.

pathspec, which matches the patterns of our own keys, takes some of git's negated and nested patterns otherwise.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

_SPECIAL = re.compile(r"[*?\[\\]")
_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, (*range(32), 127))),
    "digit": string.digits,
    "graph": string.ascii_letters + string.digits + string.punctuation,
    "lower": string.ascii_lowercase,
    "print": string.ascii_letters + string.digits + string.punctuation + " ",
    "punct": string.punctuation,
    "space": string.whitespace,
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}
_NEVER = "(?!)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line: which paths below the file's folder it takes, whether only folders, and whether it takes them back."""

    regex: re.Pattern[str]
    is_negated: bool
    folders_only: bool
    by_name: bool

    def takes(self, place: str, *, is_folder: bool) -> bool:
        """Tell whether the rule is about a path, given relative to the folder of the file with the rule."""
        if self.folders_only and not is_folder:
            return False
        return self.regex.fullmatch(place.rpartition("/")[2] if self.by_name else place) is not None


def read_rules(content: bytes) -> tuple[Rule, ...]:
    """Read a `.gitignore` or another file in its format; each byte becomes one character, for git counts bytes."""
    text = content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return tuple(_rule(_without_spaces(line)) for line in lines if line and not line.startswith("#"))


def as_read(path: str | bytes) -> str:
    """Return a path in the characters that rules are read as."""
    raw = path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")
    return raw.decode("latin-1")


def _without_spaces(line: str) -> str:
    """Remove the spaces at the end that no backslash protects."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return f"{kept} " if len(kept) < len(line) and backslashes % 2 else kept


def _rule(line: str) -> Rule:
    is_negated = line.startswith("!")
    pattern = line[1:] if is_negated else line
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    by_name = "/" not in pattern
    return Rule(
        regex=re.compile(_regex(pattern.removeprefix("/")), re.DOTALL),
        is_negated=is_negated,
        folders_only=folders_only,
        by_name=by_name,
    )


def _regex(pattern: str) -> str:
    try:
        return "".join(_parts(pattern)) or _NEVER
    except (IndexError, ValueError):  # it ends inside a bracket or after a backslash
        return _NEVER


def _parts(pattern: str) -> Iterator[str]:
    """Yield the parts of a regular expression; raise IndexError or ValueError for a pattern that never matches."""
    special = _SPECIAL.search(pattern)
    literal = special.start() if special else len(pattern)  # git compares it first, and then sees the rest as a whole
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character == "*":
            stars = len(pattern) - index - len(pattern[index:].lstrip("*"))
            whole = stars > 1 and (index == literal or pattern[index - 1] == "/")
            index += stars
            rest = pattern[index : index + 2]
            if whole and not rest:
                yield ".*"
            elif whole and rest.startswith("/"):
                yield "(?:[^/]*/)*"
                index += 1
            elif whole and rest == "\\/":
                yield ".*"
            else:
                yield "[^/]*"
            continue
        if character == "[":
            allowed, index = _bracket(pattern, index + 1)
            codes = "".join(f"\\x{code:02x}" for code in sorted(allowed))
            yield f"[{codes}]" if codes else _NEVER
            continue
        if character == "\\":
            index += 1
        yield "[^/]" if character == "?" else re.escape(pattern[index])
        index += 1


def _bracket(pattern: str, index: int) -> tuple[set[int], int]:
    """Return the characters that a bracket expression takes, and where the pattern goes on."""
    is_negated = pattern[index] in "!^"
    index += is_negated
    found: set[int] = set()
    before, is_first = "", True
    while is_first or pattern[index] != "]":
        character, is_first = pattern[index], False
        if character == "\\":
            index += 1
            before = pattern[index]
            found.add(ord(before))
        elif character == "-" and before and pattern[index + 1] != "]":
            index += 1 + (pattern[index + 1] == "\\")
            found.update(range(ord(before), ord(pattern[index]) + 1))
            before = ""
        elif character == "[" and pattern[index + 1] == ":" and pattern[pattern.index("]", index) - 1] == ":":
            end = pattern.index("]", index)
            found.update(map(ord, _CLASSES.get(pattern[index + 2 : end - 1]) or _never()))
            index, before = end, ""
        else:
            found.add(ord(character))
            before = character
        index += 1
    taken = set(range(256)) - found if is_negated else found
    return taken - {ord("/")}, index + 1


def _never() -> str:
    raise ValueError("a class of characters that does not exist")
