"""Write the worker's log, with what the script prints, to standard error."""

import builtins
import functools
import json
import logging
import sys
from typing import Any, Optional

from mlpackage_runtime.contract import log, own_logging, stderr_handler
from mlpackage_runtime.worker.errors import StartError


def configure(log_format: str) -> None:
    """Set up the log, and let the script's print() write to it."""
    log.setLevel(logging.INFO)
    log.addHandler(stderr_handler(log_format))
    log.propagate = False
    builtins.print = _logged(builtins.print)


def apply_own(app_root: str, entry_script: str) -> None:
    """Apply the project's logging.json where there is one. Raises StartError."""
    path = own_logging(app_root, entry_script)
    if path:
        _apply(path)


def _apply(path: str) -> None:
    import logging.config  # which takes long, and most projects do not need

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
        *values: object, sep: Optional[str] = " ", end: Optional[str] = "\n", file: Any = None, flush: bool = False
    ) -> None:
        if file is None or file is sys.stdout:
            prints.info("%s", (" " if sep is None else sep).join(map(str, values)))
        else:
            original(*values, sep=sep, end=end, file=file, flush=flush)

    return print_to_log
