"""Judge whether a peer sends and takes bytes fast enough to keep its connection.

Time is cut into windows. In each of them a body must bring SLOWEST bytes per second, and a client must take as many of
an answer that waits for it; a head has one window. A fast start earns no credit for later.
"""

from __future__ import annotations

SLOWEST = 1024  # bytes per second
INFINITE = float("inf")


class Arrival:
    """The pace at which a request arrives."""

    def __init__(self, window: float) -> None:
        """Take the length of a window in seconds."""
        self._window = window
        self._end: float | None = None  # of the current window; None where no request is arriving
        self._missing = 0.0  # bytes that the current window still needs

    @property
    def is_open(self) -> bool:
        """Whether a request is arriving."""
        return self._end is not None

    @property
    def is_in_body(self) -> bool:
        """Whether the body of a request is arriving."""
        return self._end is not None and self._missing < INFINITE

    def begin_head(self, now: float) -> None:
        """Start the window of a head, which must be complete at its end, however many bytes of it arrive."""
        self._end = now + self._window
        self._missing = INFINITE

    def begin_body(self, now: float) -> None:
        """Start the first window of a body."""
        self._end = now + self._window
        self._missing = SLOWEST * self._window

    def end(self) -> None:
        """Note that the request is complete."""
        self._end = None

    def count(self, size: int) -> None:
        """Count bytes of the body."""
        self._missing -= size

    def remaining(self, now: float) -> float:
        """Return the seconds until the next check is due."""
        return self._window if self._end is None else self._end - now

    def too_slow(self, now: float) -> bool:
        """Return whether a window has ended without enough bytes, and start the next window where one has ended."""
        if self._end is None or now < self._end:
            return False
        if self._missing > 0:
            return True
        self.begin_body(now)
        return False


class Departure:
    """The pace at which a client takes what the server has written for it."""

    def __init__(self, window: float) -> None:
        """Take the length of a window in seconds."""
        self._window = window
        self._end = 0.0
        self._waiting = 0
        self._grown = False

    def grew(self) -> None:
        """Note that more was written in this window, so that the bytes that wait say nothing about the client."""
        self._grown = True

    def too_slow(self, waiting: int, now: float) -> bool:
        """Return whether a window has ended in which the client took too few of the bytes that `waiting` counts."""
        if now < self._end:
            return False
        self._end = now + self._window
        before, self._waiting = self._waiting, waiting
        grown, self._grown = self._grown, False
        return bool(waiting and before) and not grown and before - waiting < SLOWEST * self._window
