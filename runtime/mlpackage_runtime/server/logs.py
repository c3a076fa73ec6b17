"""The server's log on standard error: the original server's lines, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import os
import time

from mlpackage_runtime.server.settings import Settings

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
