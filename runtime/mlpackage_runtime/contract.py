"""Define what the server and its workers share: an exit status, parts of the responses, and the lines of the log."""

import json
import logging
import os
import time

CANNOT_START = 3  # the exit status where the script, a setting or a port prevents the start

JSON_TYPE = (b"content-type", b"application/json")
RUN_SUCCEEDED = (b"x-ms-run-function-failed", b"False")
RUN_FAILED = (b"x-ms-run-function-failed", b"True")
SCRIPT_ERROR = "An unexpected error occurred in scoring script. Check the logs for more info."

LINE = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"
log = logging.getLogger("azmlinfsrv")  # the original's name, which a project's logging.json may use
current = {"request_id": ""}  # of the request that a worker is running; the server runs many and leaves it empty


def stderr_handler(log_format: str) -> logging.Handler:
    """Return a handler that writes lines or JSON objects to standard error, with times in UTC."""
    formatter = JsonFormatter() if log_format == "json" else logging.Formatter(LINE)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    return handler


class JsonFormatter(logging.Formatter):
    """Writes one JSON object per line, with the id of the request that is running."""

    def format(self, record: logging.LogRecord) -> str:
        more = {"request_id": current["request_id"]} if current["request_id"] else {}
        if record.exc_info:
            more["exception"] = self.formatException(record.exc_info)
        return json_line(record.created, record.levelname, record.process, record.name, record.getMessage(), **more)


def json_line(created: float, level: str, pid: "int | None", logger: str, message: str, **more: str) -> str:
    """Return a log record as the text of a JSON object."""
    at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(created))}.{int(created % 1 * 1000):03d}Z"
    return json.dumps({"time": at, "level": level, "pid": pid, "logger": logger, "message": message, **more})


def own_logging(app_root: str, entry_script: str) -> str:
    """Return the path of the project's logging.json, in the app root or beside the script, or an empty string."""
    folders = (app_root, os.path.dirname(os.path.join(app_root, entry_script)))
    paths = [os.path.join(folder, "logging.json") for folder in folders]
    return next(filter(os.path.isfile, paths), "")
