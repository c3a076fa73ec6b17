"""Follow the resolver's `# via` comments, which say what needs each pin.

They come from the lock itself, so they prove nothing to somebody who doubts the lock: `lock --check --online` resolves
the requirements again. But a pin that not even they connect with a requirement has no business in the lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set as AbstractSet

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

_ENTRY = re.compile(r"(?:\./\w+/(?P<file>\S+\.whl)|(?P<name>[A-Za-z0-9][\w.-]*)[^=@]*?\s*(?:==|@))")
# Both resolvers write `    # via name`, or `    # via` and a line `    #   name` for each.
_VIA = re.compile(r"    #(?: via\b)?\s*(?P<by>-[rc] \S.*|[A-Za-z0-9][\w.-]*)?")


def wanted_by(text: str) -> dict[str, frozenset[str]]:
    """Map each name in a lock to the names of the pins that need it; files of requirements are left out."""
    found: dict[str, frozenset[str]] = {}
    name = ""
    for line in text.split("\n"):
        entry = _ENTRY.match(line)
        if entry:
            name = _name(entry)
            found.setdefault(name, frozenset())
        via = _VIA.match(line)
        if name and via and via["by"] and not via["by"].startswith("-"):
            found[name] |= {canonicalize_name(via["by"])}
    return found


def _name(entry: re.Match[str]) -> str:
    if entry["name"]:
        return canonicalize_name(entry["name"])
    try:
        return parse_wheel_filename(entry["file"])[0]
    except InvalidWheelFilename:
        return ""


def needed_by_others(text: str) -> frozenset[str]:
    """Return the names of the pins that other packages need."""
    return frozenset(name for name, needed in wanted_by(text).items() if needed)


def unneeded(names: AbstractSet[str], roots: AbstractSet[str], needed: Mapping[str, AbstractSet[str]]) -> Iterator[str]:
    """Yield, sorted, each of the names that no chain of needs connects with one of the roots."""
    reached = names & roots
    growing = True
    while growing:
        more = {name for name in names - reached if needed.get(name, frozenset()) & reached}
        growing, reached = bool(more), reached | more
    yield from sorted(names - reached)
