"""What goes back to the client: the answers to what run() returned, and to what went wrong."""

from __future__ import annotations

import json
from typing import Any, Iterable, NamedTuple, Sequence

JSON_TYPE = (b"content-type", b"application/json")
SUCCEEDED = (b"x-ms-run-function-failed", b"False")
FAILED = (b"x-ms-run-function-failed", b"True")

SCRIPT_ERROR = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL_ERROR = "An unexpected internal error occurred. Check the logs for more info."


class Answer(NamedTuple):
    """A response: header names and values in turn, and a whole body or an iterable of its parts."""

    status: int
    headers: Sequence[bytes]
    body: bytes | Iterable[bytes]

    def timed(self, elapsed_ms: float) -> Answer:
        """Return the same answer with the time that run() took."""
        return self._replace(headers=(*self.headers, b"x-ms-run-fn-exec-ms", b"%.3f" % elapsed_ms))


def error_answer(status: int, message: str, *, script_failed: bool = False) -> Answer:
    """Return the JSON body that every error has."""
    body = json.dumps({"message": message}).encode()
    return Answer(status, (*JSON_TYPE, *(FAILED if script_failed else SUCCEEDED)), body)


def result_answer(result: Any) -> Answer:
    """Return what run() returned, as JSON; raises TypeError or ValueError where JSON has no form for it."""
    body = "{}" if result is None else encode(result)
    return Answer(200, (*JSON_TYPE, *SUCCEEDED), body.encode())


def _plain(value: Any) -> Any:
    """Turn what NumPy and pandas scripts return into lists and numbers; asked only about what JSON does not know."""
    library = type(value).__module__.partition(".")[0]
    if library == "pandas":
        return _plain_pandas(value)
    if library == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _plain_pandas(value: Any) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return None if str(value) in {"<NA>", "NaT"} else str(value)


encode = json.JSONEncoder(default=_plain).encode
