"""Limit what reading one model may cost, whatever its bytes are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError

_OPERATIONS_BETWEEN_LOOKS = 4096  # at the clock; they take some milliseconds
_BYTES_OF_AN_OPERATION = 256  # reading so many takes about as long as one operation


class OverBudgetError(UnreadableModelError):
    """Say which limit a model exceeds; it may be a good one, and the caller goes on without its facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Set the most that reading one model may take.

    An operation makes at most a few hundred bytes, so that their number limits the memory too. `inflated` are bytes
    that come out of a decompressor of zlib's speed. `kept` are the bytes of strings. These three do not depend on the
    machine; `seconds` stops a reader on a slow one.
    """

    operations: int = 5_000_000
    inflated: int = 1 << 30
    kept: int = 1 << 27
    seconds: float = 10.0


class Budget:
    """Count what reading one model costs; everything that the readers do with its bytes draws from here.

    `exceeded` says which limit was exceeded, even if a parser in between took the error for one of its own.
    """

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits or Limits()
        self.exceeded = ""
        self._clock = clock
        self._end = clock() + self.limits.seconds
        self._operations = self.limits.operations
        self._next_look = self._operations
        self._inflated = self.limits.inflated
        self._kept = self.limits.kept

    def work(self, operations: int = 1) -> None:
        """Pay for operations, before they are done."""
        self._operations -= operations
        if self._operations <= self._next_look:
            self._look()

    def read(self, size: int) -> None:
        """Pay for the time that bytes of a file take."""
        self.work(1 + size // _BYTES_OF_AN_OPERATION)

    def inflate(self, size: int, *, weight: int = 1) -> None:
        """Pay for bytes that a decompressor gave; `weight` is how much slower than zlib's it is."""
        self._inflated -= size * weight
        if self._inflated < 0:
            self.refuse(f"it unpacks to more than mlpackage reads ({_megabytes(self.limits.inflated // weight)})")
        self.look_at_the_clock()

    def keep(self, value: str | bytes) -> None:
        """Pay for the memory of a string."""
        self._kept -= sys.getsizeof(value)
        if self._kept < 0:
            self.refuse(f"it has more text than mlpackage keeps ({_megabytes(self.limits.kept)})")

    def look_at_the_clock(self) -> None:
        if self._clock() > self._end:
            self.refuse(f"reading it takes longer than {self.limits.seconds:g} seconds")

    def refuse(self, why: str) -> None:
        """Raise OverBudgetError, and remember why."""
        self.exceeded = self.exceeded or why
        raise OverBudgetError(why)

    def _look(self) -> None:
        if self._operations < 0:
            self.refuse(f"it has more parts than mlpackage reads ({self.limits.operations})")
        self._next_look = self._operations - _OPERATIONS_BETWEEN_LOOKS
        self.look_at_the_clock()


def _megabytes(size: int) -> str:
    return f"{size >> 20} MB"
