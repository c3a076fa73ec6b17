"""Provide the classes that a logging.json copied from the original server's names."""

import logging
import time
from typing import Optional

from mlpackage_runtime.contract import LINE


class AMLLogFormatter(logging.Formatter):
    """Lines in the original's format, with the time in UTC."""

    def __init__(self, fmt: Optional[str] = LINE, datefmt: Optional[str] = None, style: str = "%") -> None:
        super().__init__(fmt=fmt, datefmt=datefmt, style=style)  # type: ignore[arg-type]
        self.converter = time.gmtime


class RootAccessFilter(logging.Filter):
    """Leaves out the lines of probes."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "GET / HTTP/1.1" not in record.getMessage()
