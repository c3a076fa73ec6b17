"""Log the requests, many of them at once."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time

from mlpackage_runtime.contract import json_line, log
from mlpackage_runtime.server.settings import Settings

FLUSH_DELAY = 0.1  # seconds
FLUSH_SIZE = 2**16  # characters
PID = os.getpid()
AFTER_TIME = f"I [{PID}] {log.name} -"


class RequestLog:
    """Writes the lines of many requests at once, because a log record for each would double the server's work."""

    def __init__(self, settings: Settings) -> None:
        self._wanted = log.isEnabledFor(logging.INFO)
        self._json = settings.log_format == "json"
        self._lines: list[str] = []
        self._size = 0
        self._prefix = ""
        self._second = 0

    def add(
        self, method: str, target: str, status: int, elapsed_ms: float, *, length: int | str, request_id: str
    ) -> None:
        """Add the line of a request; it is written within a tenth of a second."""
        if not self._wanted:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_DELAY, self.flush)
        now = time.time()
        message = f"{method} {target} {status} {elapsed_ms:.3f}ms {length}"
        if self._json:
            self._lines.append(json_line(now, "INFO", PID, log.name, message, request_id=request_id) + "\n")
        else:
            self._lines.append(self._line(now, message))
        self._size += len(self._lines[-1])
        if self._size > FLUSH_SIZE:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            lines, self._lines, self._size = self._lines, [], 0
            sys.stderr.write("".join(lines))

    def _line(self, now: float, message: str) -> str:
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        return f"{self._prefix},{int(now % 1 * 1000):03d} {AFTER_TIME} {message}\n"
