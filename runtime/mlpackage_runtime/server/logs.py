"""The server's log on standard error: the original server's lines, or one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time

from mlpackage_runtime.server.settings import Settings

FLUSH_DELAY = 0.1  # seconds
PID = os.getpid()
LINE = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"


def configure(settings: Settings) -> None:
    """Send the server's own loggers, and uvicorn's errors, to standard error."""
    formatter = JsonFormatter() if settings.log_format == "json" else logging.Formatter(LINE)
    formatter.converter = time.gmtime
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(formatter)
    for name, level in (("azmlinfsrv", _own_level(settings)), ("uvicorn", logging.ERROR)):
        log = logging.getLogger(name)
        log.setLevel(level)
        log.addHandler(to_stderr)
        log.propagate = False


class RequestLog:
    """Writes a line for each request, many at once: a log record for each costs as much as the rest of the server."""

    def __init__(self, settings: Settings) -> None:
        self._wanted = logging.getLogger("azmlinfsrv").isEnabledFor(logging.INFO)
        self._json = settings.log_format == "json"
        self._lines: list[str] = []
        self._prefix = ""
        self._second = 0

    def add(
        self, method: str, target: str, status: int, elapsed_ms: float, *, length: int | str, request_id: str
    ) -> None:
        """Note a request; it is written within a tenth of a second."""
        if not self._wanted:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_DELAY, self.flush)
        now = time.time()
        message = f"{method} {target} {status} {elapsed_ms:.3f}ms {length}"
        self._lines.append(self._json_line(now, message, request_id) if self._json else self._line(now, message))

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stderr.write("".join(lines))
            sys.stderr.flush()

    def _line(self, now: float, message: str) -> str:
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        return f"{self._prefix},{int(now % 1 * 1000):03d} I [{PID}] azmlinfsrv - {message}\n"

    def _json_line(self, now: float, message: str, request_id: str) -> str:
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z",
            "level": "INFO",
            "pid": PID,
            "logger": "azmlinfsrv",
            "message": message,
            "request_id": request_id,
        }
        return json.dumps(line) + "\n"


def _own_level(settings: Settings) -> int | str:
    """Return the level that the project's logging.json gives our logger; the rest of that file is the worker's."""
    script_folder = os.path.dirname(os.path.join(settings.app_root, settings.entry_script))
    for folder in (settings.app_root, script_folder):
        try:
            with open(os.path.join(folder, "logging.json"), encoding="utf-8") as file:
                level = json.load(file)["loggers"]["azmlinfsrv"]["level"]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if level in logging._nameToLevel:  # noqa: SLF001 - getLevelNamesMapping() is new in Python 3.11
            return str(level)
    return logging.INFO


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
