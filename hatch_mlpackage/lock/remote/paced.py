"""Give up on a server that sends just enough for no time limit of a single read to be reached."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

_END_OF_HEAD = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How slow a server may be; only the time that is spent waiting for it counts, in seconds.

    The status line and the headers may take `head`, all of an answer `most`; the body has `slowest` bytes per second
    on average in each `window`.
    """

    head: float = 60.0
    window: float = 60.0
    slowest: int = 1024
    most: float = float("inf")


class Paced:
    """Stand in for a connected socket in `http.client`; its answer raises TimeoutError when it comes too slowly."""

    def __init__(self, connection: socket.socket, pace: Pace) -> None:
        self._connection = connection
        self._pace = pace

    def makefile(self, mode: str) -> io.BufferedReader:
        raw = self._connection.makefile(mode, buffering=0)  # type: ignore[call-overload]
        return io.BufferedReader(_PacedReader(raw, self._pace))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class _PacedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, pace: Pace) -> None:
        super().__init__()
        self._raw = raw
        self._pace = pace
        self._in_all = 0.0
        self._waited = 0.0
        self._arrived = 0
        self._in_head = True
        self._last = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: Any) -> int | None:
        start = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        waited = time.monotonic() - start
        self._in_all += waited
        self._waited += waited
        self._arrived += count or 0
        self._require_pace()
        if self._in_head:
            self._look_for_body(self._last + bytes(buffer[: count or 0]))
        return count

    def _require_pace(self) -> None:
        if self._in_all > self._pace.most:
            raise TimeoutError(f"the server takes more than {self._pace.most:.0f} seconds for its answer")
        if self._in_head and self._waited > self._pace.head:
            raise TimeoutError(f"the server takes more than {self._pace.head:.0f} seconds for its headers")
        if not self._in_head and self._waited > self._pace.window:
            if self._arrived < self._pace.slowest * self._waited:
                raise TimeoutError(f"the server sends less than {self._pace.slowest} bytes per second")
            self._waited, self._arrived = 0.0, 0

    def _look_for_body(self, text: bytes) -> None:
        self._last = text[-3:]
        if _END_OF_HEAD.search(text):
            self._in_head, self._waited, self._arrived = False, 0.0, 0
