"""The worker's log: one line per record on standard error, prints of the script included."""

from __future__ import annotations

import builtins
import functools
import logging
import sys
import time
from typing import Any

LINE = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"


def configure() -> None:
    """Send the server's loggers to standard error and print() to a logger of its own."""
    formatter = logging.Formatter(LINE)
    formatter.converter = time.gmtime
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(formatter)
    log = logging.getLogger("azmlinfsrv")
    log.setLevel(logging.INFO)
    log.addHandler(to_stderr)
    log.propagate = False
    builtins.print = _logged(builtins.print)


def _logged(original: Any) -> Any:
    log = logging.getLogger("azmlinfsrv.print")

    @functools.wraps(original)
    def print_to_log(
        *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        if file is None or file is sys.stdout:
            log.info("%s", (" " if sep is None else sep).join(map(str, values)))
        else:
            original(*values, sep=sep, end=end, file=file, flush=flush)

    return print_to_log
