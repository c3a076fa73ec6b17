"""Write the server's log to standard error, as the original server's lines or as one JSON object per line."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import stat
import sys
import threading
from collections import deque
from typing import Deque

from mlpackage_runtime.contract import log, own_logging, stderr_handler
from mlpackage_runtime.server.settings import Settings

HELD = 2**20  # bytes that wait to be written
CLOSE_TIMEOUT = 1.0  # seconds


def configure(settings: Settings) -> None:
    """Send the server's own log, and uvicorn's errors, to standard error, from a thread that alone waits for it."""
    sys.stderr = PatientWriter()
    handler = stderr_handler(settings.log_format)
    for logger, level in ((log, _own_level(settings)), (logging.getLogger("uvicorn"), logging.ERROR)):
        logger.setLevel(level)
        logger.addHandler(handler)
        logger.propagate = False


def close() -> None:
    """Write what is left of the log, if somebody reads it."""
    if isinstance(sys.stderr, PatientWriter):
        sys.stderr.close()
        sys.stderr = sys.__stderr__  # for the traceback of a crash, which the thread would not live to write


class PatientWriter:
    """Writes text to standard error, and drops and counts lines while nobody reads them.

    What standard error takes at once is written at once. The rest waits in a thread, because a thread that shared the
    interpreter at every write would slow the requests.
    """

    def __init__(self) -> None:
        self._direct = _without_waiting()
        self._texts: Deque[bytes] = deque()
        self._held = 0
        self._dropped = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def write(self, text: str) -> int:
        data = text.encode("utf-8", "backslashreplace")
        with self._changed:
            if not self._held and self._direct is not None:
                data = data[_written(self._direct, data) :]
            if self._held + len(data) > HELD:
                self._dropped += data.count(b"\n")
            elif data:
                self._texts.append(data)
                self._held += len(data)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Leave the text to the thread."""

    def close(self) -> None:
        """Wait until everything is written, but no longer than CLOSE_TIMEOUT."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held, CLOSE_TIMEOUT)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._texts)
                data = memoryview(b"".join(self._texts))
                size = self._held
                self._texts.clear()
            while data:
                with contextlib.suppress(OSError):  # it is closed
                    select.select([], [2], [])  # whoever started us may have made it non-blocking
                data = data[_written(2, data[: select.PIPE_BUF]) :]
            with self._changed:
                self._held -= size
                dropped, self._dropped = self._dropped, 0
                self._changed.notify_all()
            if dropped:
                log.warning("%d lines of the log were dropped, because nobody read standard error", dropped)


def _without_waiting() -> int | None:
    """Return a descriptor of standard error where no write waits: a file, or a pipe that is opened once more."""
    with contextlib.suppress(OSError):
        mode = os.fstat(2).st_mode
        if stat.S_ISREG(mode):
            return 2
        if stat.S_ISFIFO(mode):  # making the inherited one non-blocking would change it for the workers too
            return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
    return None


def _written(descriptor: int, data: bytes | memoryview) -> int:
    """Return how many bytes a descriptor took; all where nobody can ever read them."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0
    except OSError:  # standard error is closed, or its disk is full
        return len(data)


def _own_level(settings: Settings) -> int:
    """Return the level that the project's logging.json sets for our logger; a worker applies the rest of the file."""
    try:
        with open(own_logging(settings.app_root, settings.entry_script), encoding="utf-8") as file:
            level = logging.getLevelName(json.load(file)["loggers"][log.name]["level"])
    except (OSError, ValueError, LookupError, TypeError):
        return logging.INFO
    return level if isinstance(level, int) else logging.INFO
