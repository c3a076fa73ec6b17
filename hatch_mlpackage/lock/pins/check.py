"""Tell from the text of a lock whether it still satisfies what is asked, without a network or a resolver."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from hatch_mlpackage.errors import LockError, Problem
from hatch_mlpackage.files.parse import merge_conflict
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.header import SCHEMA, Header, digest, inputs_digest, split_header
from hatch_mlpackage.lock.pins.pins import credentials_in, read_pins
from hatch_mlpackage.lock.pins.unmet import unmet
from hatch_mlpackage.project.target import Target

Status = Literal["fresh", "satisfied", "stale", "missing", "damaged", "other-target", "contradicted"]
_USABLE = frozenset({"fresh", "satisfied"})
_SAID = {
    "fresh": "is fresh",
    "satisfied": "was made from other inputs, and still satisfies every requirement",
    "stale": "is stale",
    "missing": "is missing",
    "damaged": "is damaged",
    "other-target": "was made for another image",
    "contradicted": "is not what the index says",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LockState:
    """Whether a lock still fits its inputs; each reason names a requirement and what the lock has for it."""

    status: Status
    reasons: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return self.status in _USABLE

    def describe(self, lock: str) -> str:
        """Describe the state in one sentence and a line for each reason; `lock` is the path to show."""
        return "\n  ".join((f"{lock} {_SAID[self.status]}{':' if self.reasons else '.'}", *self.reasons))

    def problem(self, lock: str) -> Problem:
        """Return the state as one problem of many; `lock` is the path to show."""
        what = f"{_SAID[self.status]}{': ' if self.reasons else '.'}{'; '.join(self.reasons)}"
        fix = "Run `mlpackage lock` and commit the result."
        return Problem(where=lock, what=what if what.endswith(".") else f"{what}.", fix=fix, code=LockError.code)

    def require(self, lock: str) -> None:
        """Raise LockError unless the lock can be used; `lock` is the path to show."""
        if not self.usable:
            raise LockError(f"{self.describe(lock)}\nRun `mlpackage lock` and commit the result.")


def check_lock(text: str | None, requirements: Requirements, target: Target) -> LockState:
    """Compare a lock's text, None where there is no file, with what is asked of it now."""
    return judge(
        text,
        target,
        inputs_digest(requirements, target),
        read=read_pins,
        unmet=lambda header, lock: unmet(header, lock, requirements, target),
    )


def judge(
    text: str | None,
    target: Target,
    inputs: str,
    *,
    read: Callable[[str], object],
    unmet: Callable[[Header, str], Iterable[str]],
) -> LockState:
    """Judge the text of a lock of pip's or conda's packages, None where there is no file.

    `inputs` is the digest of what is asked now, `read` raises LockError at a bad line, and so does `unmet`, which
    yields each difference between what is asked and what is in the lock.
    """
    if text is None:
        return LockState(status="missing")
    text = text.replace("\r\n", "\n")  # a checkout on Windows
    header, body = split_header(text)
    if header is None or header.body != digest(body):
        return LockState(status="damaged", reasons=_damage(text, header, read))
    return _compare(header, text, target, inputs, unmet)


def _compare(
    header: Header, text: str, target: Target, inputs: str, unmet: Callable[[Header, str], Iterable[str]]
) -> LockState:
    if header.schema != SCHEMA:
        return LockState(status="stale", reasons=(f"its schema is {header.schema}, this release reads {SCHEMA}",))
    other = tuple(_other_target(header, target))
    if other:
        return LockState(status="other-target", reasons=other)
    reasons = tuple(credentials_in(text))
    if reasons:
        return LockState(status="damaged", reasons=reasons)
    try:
        reasons = tuple(unmet(header, text))
    except LockError as error:
        return LockState(status="damaged", reasons=(str(error),))
    if reasons:
        return LockState(status="stale", reasons=reasons)
    # Whoever changes a lock can write its digests anew, so they choose only between two words for the same answer.
    return LockState(status="fresh" if header.inputs == inputs else "satisfied")


def _damage(text: str, header: Header | None, read: Callable[[str], object]) -> tuple[str, ...]:
    """Explain why a lock's body does not match its header; `read` raises LockError at a bad line."""
    conflict = merge_conflict(text)
    if conflict:
        return (conflict,)
    if header is None:
        return ("its `# mlpackage-lock:` line is missing or cut short: mlpackage did not write it",)
    try:
        read(text)
    except LockError as error:
        return (str(error),)
    if not text.endswith("\n"):
        return ("it ends in the middle of an entry: it was cut short",)
    return ("it was edited by hand, or cut short, after it was written",)


def _other_target(header: Header, target: Target) -> Iterator[str]:
    """Yield each way in which the locked image differs from this one so that its files would not load."""
    if header.python != target.python:
        yield f"it is for CPython {header.python}, the image has {target.python}"
    if header.platform != target.platform:
        yield f"it is for {header.platform}, the image is for {target.platform}"
    if not _loads(header.libc, target.libc):
        yield f"its wheels may need {header.libc}, the image has {target.libc}"


def _loads(locked: str, present: str) -> bool:
    """Tell whether wheels for one C library load on another: those for an older glibc load on every newer one."""
    if not (locked.startswith("manylinux_") and present.startswith("manylinux_")):
        return locked == present
    return _numbers(locked) <= _numbers(present)


def _numbers(libc: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", libc)]
