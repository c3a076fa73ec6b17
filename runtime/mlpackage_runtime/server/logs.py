"""The server's log: one line per record on standard error, in the original server's format."""

from __future__ import annotations

import logging
import time

LINE = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"


def configure() -> None:
    """Send the server's own loggers, and uvicorn's warnings, to standard error."""
    formatter = logging.Formatter(LINE)
    formatter.converter = time.gmtime
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(formatter)
    for name, level in (("azmlinfsrv", logging.INFO), ("uvicorn", logging.ERROR)):
        log = logging.getLogger(name)
        log.setLevel(level)
        log.addHandler(to_stderr)
        log.propagate = False
