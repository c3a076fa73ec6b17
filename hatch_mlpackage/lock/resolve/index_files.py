"""Ask the index what it has now of each pin: uv knows every kind of index, its login and the way to it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.utils import canonicalize_name

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.resolve import uv
from hatch_mlpackage.lock.resolve.task import (
    CONSTRAINTS,
    INPUT,
    KEPT,
    OUTPUT,
    Outcome,
    Task,
    first_lines,
    raise_if_outside,
)
from hatch_mlpackage.project.target import Target

_AT_ONCE = 50  # pins, between two lines of progress
_LONGEST_REASON = 8  # lines
_LONGEST_SHOWN = 240
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:==|@)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_YANKED = re.compile(r"(?m)^warning: `(?P<name>[\w.-]+)==\S+` is yanked(?: \(reason: \"(?P<reason>.*)\"\))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFiles:
    """What the index has of one pin: `hashes` of its files, and why it was `yanked`, None where it was not.

    There are no hashes where the index gives none, and where it does not have the pin, for the reason in `missing`.
    """

    missing: str = ""
    hashes: frozenset[str] = frozenset()
    yanked: str | None = None


def ask_index(
    pins: Sequence[Pin], requirements: Requirements, target: Target, *, report: Callable[[str], None]
) -> dict[Pin, IndexFiles]:
    """Return what the index has now of every pin; one with a `file` was built from the archive with its hash.

    Raises LockError where uv is not installed, UnavailableError where the index cannot be asked.
    """
    found: dict[Pin, IndexFiles] = {}
    if pins and uv.find_uv() is None:
        raise LockError('The index is asked with uv. Install it with: pip install "hatch-mlpackage[cli]"')
    for start in range(0, len(pins), _AT_ONCE):
        try:
            with TemporaryDirectory(prefix="mlpackage-index-") as folder:
                task = Task(folder=Path(folder), requirements=requirements, target=target, upgrade=False, report=report)
                found |= _ask(task, pins[start : start + _AT_ONCE])
        except OSError as error:
            raise UnavailableError(f"uv could not be run in a temporary folder: {error.strerror}.") from error
        report(f"Asked the index for {len(found)} of {len(pins)} pins.")
    return found


def _ask(task: Task, pins: Sequence[Pin]) -> dict[Pin, IndexFiles]:
    """Ask for all pins at once, and for each half where uv stops at one that the index does not have."""
    (task.folder / INPUT).write_text("".join(f"{_asked(pin)}\n" for pin in pins), encoding="utf-8")
    for limits in (CONSTRAINTS, KEPT):
        (task.folder / limits).write_text("", encoding="utf-8")
    (task.folder / OUTPUT).unlink(missing_ok=True)
    outcome = uv.list_files(task, tuple(pin.name for pin in pins if pin.file))
    if outcome.status == 0:
        return _read(file_text(task.folder / OUTPUT), outcome, pins)
    raise_if_outside(outcome, first_lines(uv.reason_of(outcome), _LONGEST_REASON))
    if len(pins) == 1:
        return {pins[0]: IndexFiles(missing=_why_missing(pins[0], outcome))}
    middle = len(pins) // 2
    return _ask(task, pins[:middle]) | _ask(task, pins[middle:])


def _why_missing(pin: Pin, outcome: Outcome) -> str:
    said = outcome.said.partition("error: ")[2]
    if pin.url is None and re.search(r"not found in the package registry|there (?:is|are) no versions?\b", said):
        return "the index has no such version"
    return textwrap.shorten(said, _LONGEST_SHOWN, placeholder="…")


def _asked(pin: Pin) -> str:
    # Without its fragment, whose hash uv would copy unread, the file at a URL is fetched and hashed.
    return f"{pin.name}=={pin.version}" if pin.url is None else f"{pin.name} @ {pin.url.partition('#')[0]}"


def _read(output: str, outcome: Outcome, pins: Iterable[Pin]) -> dict[Pin, IndexFiles]:
    hashes: dict[str, set[str]] = {}
    name = ""
    for line in output.splitlines():
        entry = _ENTRY.match(line)
        name = canonicalize_name(entry["name"]) if entry else name
        hashes.setdefault(name, set()).update(_HASH.findall(line))
    yanked: dict[str, str] = {
        canonicalize_name(it["name"]): it["reason"] or "" for it in _YANKED.finditer(outcome.said)
    }
    return {pin: IndexFiles(hashes=frozenset(hashes.get(pin.name, ())), yanked=yanked.get(pin.name)) for pin in pins}
