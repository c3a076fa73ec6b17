"""The worker's log on standard error, prints of the script included."""

from __future__ import annotations

import builtins
import functools
import json
import logging
import logging.config
import os
import sys
import time
from typing import Any

from mlpackage_runtime.worker.errors import StartError

LINE = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"

log = logging.getLogger("azmlinfsrv")

current = {"request_id": ""}  # of the request that is running, for the log


def configure(log_format: str) -> None:
    """Set up our loggers and print()."""
    formatter = JsonFormatter() if log_format == "json" else logging.Formatter(LINE)
    formatter.converter = time.gmtime
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(formatter)
    log.setLevel(logging.INFO)
    log.addHandler(to_stderr)
    log.propagate = False
    builtins.print = _logged(builtins.print)


def apply_own(app_root: str, entry_script: str) -> None:
    """Apply the project's logging.json, from the app root or from beside the script. Raises StartError."""
    for folder in (app_root, os.path.dirname(os.path.join(app_root, entry_script))):
        path = os.path.join(folder, "logging.json")
        if os.path.isfile(path):
            _apply(path)
            return


def _apply(path: str) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            logging.config.dictConfig(json.load(file))
    except Exception as error:
        cause = error.__cause__ or error
        reason = f"The logging configuration {path} cannot be used: {error}: {type(cause).__name__}: {cause}"
        log.critical("%s", reason)
        raise StartError(reason) from error
    log.info("Loaded logging config from %s", path)


def _logged(original: Any) -> Any:
    prints = logging.getLogger("azmlinfsrv.print")

    @functools.wraps(original)
    def print_to_log(
        *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        if file is None or file is sys.stdout:
            prints.info("%s", (" " if sep is None else sep).join(map(str, values)))
        else:
            original(*values, sep=sep, end=end, file=file, flush=flush)

    return print_to_log


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the id of the request that is running."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current["request_id"]:
            line["request_id"] = current["request_id"]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
