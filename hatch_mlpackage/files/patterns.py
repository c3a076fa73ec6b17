"""Check patterns of `.gitignore`, and match paths with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

# Each further star in a name multiplies the time to match it by the name's length, and each `**` by the path's depth.
_MOST_STARS, _MOST_DEEP = 2, 2
NO_PATTERN = ("is not a pattern of .gitignore.", "Correct it, or remove it.")
_TOO_MANY = (
    "has so many stars that matching it could take minutes.",
    "Split it into patterns with at most three stars, and two `**`, in each.",
)


def wrong_pattern(pattern: str) -> tuple[str, str] | None:
    """Say what is wrong with a pattern and how to correct it; None where it can be used."""
    if _has_too_many_stars(pattern):
        return _TOO_MANY
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - few projects need it

    try:
        GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):  # it compiles what it makes of a pattern, unchecked
        return NO_PATTERN
    return None


def matching(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a path matches one of the patterns; wrong ones match nothing."""
    right = [pattern for pattern in patterns if wrong_pattern(pattern) is None]
    if not right:
        return lambda _: False
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - few projects need it

    return GitIgnoreSpec.from_lines(right).match_file


def _has_too_many_stars(pattern: str) -> bool:
    names = re.sub(r"\\.", "", pattern.rstrip("/")).split("/")
    deep = sum(name == "**" for name, _ in pairwise(names))  # one at the end takes everything at once
    further = sum(max(0, name.count("*") - 1) for name in names if name != "**")
    return further > _MOST_STARS or deep > _MOST_DEEP
