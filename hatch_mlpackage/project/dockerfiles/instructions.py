"""Split a Dockerfile into its instructions by hand: a bare `hatch build` has no library that parses Dockerfiles.

The reference is docs.docker.com/reference/dockerfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# The folder of our context that holds the files which a base Dockerfile copies from its own.
BASE_FOLDER = "base"
KNOWN = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})  # fmt: skip
# What is wrong with an instruction that no file can hold, or that continues past its end, and the fix.
NO_TEXT = ("holds a NUL or half a character.", "Remove it.")
GOES_ON = ("ends in a backslash: what follows it would be part of it.", "Remove the backslash.")
_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=\s*(.*?)\s*", re.IGNORECASE)
_TAKE_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_HEREDOC = re.compile(r"\d*<<(-?)(['\"]?)([^<'\"]+)\2")
_QUOTED = re.compile(r"\"[^\"]*\s[^\"]*\"|'[^']*\s[^']*'")  # words with spaces: nothing in them opens a heredoc
_FLAG = re.compile(r"--[a-z]+(?:=\S*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """Describe an instruction: its first line's number, its name in capitals, its flags, and the rest as one line.

    `text` is the instruction as written, `above` are the comments before it, and `body` are the lines of its heredocs.
    """

    line: int
    name: str
    flags: tuple[str, ...]
    rest: str
    text: str
    above: str = ""
    body: str = ""

    @property
    def is_text(self) -> bool:
        """Tell whether a file can hold the instruction: no NUL, no half of a character."""
        return re.search("[\\0\ud800-\udfff]", f"{self.above}{self.text}{self.body}") is None

    @property
    def goes_on(self) -> bool:
        """Tell whether the instruction would take in what follows the text, which only the last one can."""
        return [line for line in self.text.split("\n") if not _is_nothing(line)][-1].rstrip().endswith("\\")


def directives_of(text: str) -> tuple[dict[str, tuple[int, str]], str]:
    """Return the directives at the top, by name with line and value, and the text with blank lines in their place."""
    found: dict[str, tuple[int, str]] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            break
        found.setdefault(match[1].lower(), (number + 1, match[2]))
        lines[number] = ""
    return found, "\n".join(lines)


def instructions_of(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a text with Unix line ends."""
    lines = text.rstrip("\n").split("\n")
    position = 0
    while position < len(lines):
        start = position
        while position < len(lines) and _is_nothing(lines[position]):
            position += 1
        if position == len(lines):
            return
        first = position
        said, after = _logical_line(lines, position)
        name, *others = said.split(None, 1) or [""]
        rest = "".join(others)
        position = _after_heredocs(lines, after, rest) if name.upper() in _TAKE_HEREDOCS else after
        flags, rest = _flags(rest.strip())
        yield Instruction(
            line=first + 1,
            name=name.upper(),
            flags=flags,
            rest=rest,
            text=_joined(lines[first:after]),
            above=_joined(lines[start:first]),
            body=_joined(lines[after:position]),
        )


def _is_nothing(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _logical_line(lines: list[str], position: int) -> tuple[str, int]:
    """Join a line with its continuations, without the comments and blank lines between them."""
    parts: list[str] = []
    while position < len(lines):
        line = lines[position].rstrip()
        position += 1
        if parts and _is_nothing(line):
            continue
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            break
    return "".join(parts), position


def _after_heredocs(lines: list[str], position: int, rest: str) -> int:
    """Return the line after the heredocs that an instruction opens; an unclosed one does not count."""
    for word in _QUOTED.sub("", rest).split():
        match = _HEREDOC.fullmatch(word)
        tabs = "\t" if match and match[1] else ""
        ends = (number for number in range(position, len(lines)) if match and lines[number].lstrip(tabs) == match[3])
        position = next(ends, position - 1) + 1
    return position


def _flags(rest: str) -> tuple[tuple[str, ...], str]:
    flags: list[str] = []
    while match := _FLAG.match(rest):
        flags.append(match[0])
        rest = rest[match.end() :].lstrip()
    return tuple(flags), rest
