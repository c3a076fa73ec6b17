"""Read pip's requirement files by hand, as pip does: a bare `hatch build` has no pip, and pip has no public reader."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_OPTION_STARTS = re.compile(r"\s(?=--?[A-Za-z])")
_SHORT = {"-i": "--index-url", "-f": "--find-links", "-r": "--requirement", "-c": "--constraint", "-e": "--editable"}
WITH_VALUE = frozenset(
    {
        *_SHORT.values(),
        "--extra-index-url",
        "--hash",
        "--no-binary",
        "--only-binary",
        "--trusted-host",
        "--use-feature",
        "--config-settings",
        "--global-option",
        "--install-option",
    }
)


class Line(NamedTuple):
    """A line with its continuations joined and its comment removed; `number` is that of its first line, from 1."""

    number: int
    text: str


class Option(NamedTuple):
    """An option by its long name, with its value or the empty string."""

    name: str
    value: str


def logical_lines(text: str) -> Iterator[Line]:
    """Yield every line that holds more than a comment."""
    pending: list[str] = []
    start = 1
    # As in pip, a form feed or U+2028 ends a line too: what follows such a comment is no part of it.
    for number, physical in enumerate(text.splitlines(), 1):
        if not pending:
            start = number
        # As in pip, a comment ends a continued line, whatever the comment ends with. Others are joined as they are.
        comment = physical.lstrip().startswith("#")
        continued = physical.endswith("\\") and not comment
        pending.append(physical.strip("\\") if continued else f" {physical}" if comment else physical)
        if not continued:
            yield from _without_comment(start, pending)
            pending = []
    yield from _without_comment(start, pending)


def _without_comment(start: int, parts: list[str]) -> Iterator[Line]:
    text = _COMMENT.sub("", "".join(parts)).strip()
    if text:
        yield Line(start, text)


def split_options(text: str) -> tuple[str, str]:
    """Split a line into its requirement and the options after it."""
    if text.startswith("-"):
        return "", text
    requirement, *options = _OPTION_STARTS.split(text, maxsplit=1)
    return requirement.strip(), "".join(options)


def options_of(text: str) -> tuple[Option, ...]:
    """Parse `--name=value`, `--name value`, `-r file` and `-rfile`; raise ValueError with what is wrong."""
    words = iter(shlex.split(text))
    return tuple(_option(word, words) for word in words)


def _option(word: str, following: Iterator[str]) -> Option:
    if word.startswith("--"):
        name, has_value, value = word.partition("=")
    elif word.startswith("-") and word[:2] in _SHORT:
        name, has_value, value = _SHORT[word[:2]], word[2:], word[2:].removeprefix("=")
    else:
        name, has_value, value = word, "", ""
    if name in WITH_VALUE and not has_value:
        value = next(following, "")
    if name in WITH_VALUE and not value:
        raise ValueError(f"{name} has no value")
    return Option(name, value)
