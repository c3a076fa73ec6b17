"""Make the responses to what run() returned, and to what went wrong."""

import json
from typing import Any, Iterator, NamedTuple, Sequence, Tuple, Union

from mlpackage_runtime.contract import JSON_TYPE, RUN_FAILED, RUN_SUCCEEDED

INTERNAL_ERROR = "An unexpected internal error occurred. Check the logs for more info."


class Response(NamedTuple):
    """A response: header names and values in turn, and a whole body or its parts."""

    status: int
    headers: Sequence[bytes]
    body: Union[bytes, Iterator[bytes]]

    def timed(self, elapsed_ms: float) -> "Response":
        """Return the same response with the time that run() took."""
        return Response(self.status, (*self.headers, b"x-ms-run-fn-exec-ms", b"%.3f" % elapsed_ms), self.body)


def json_response(status: int, text: str, failed: Tuple[bytes, bytes] = RUN_SUCCEEDED) -> Response:
    """Return JSON text as a response."""
    body = text.encode()
    return Response(status, (*JSON_TYPE, *failed, b"content-length", b"%d" % len(body)), body)


def error_response(status: int, message: str, *, script_failed: bool = False) -> Response:
    """Return an error as a JSON object with a message."""
    return json_response(status, json.dumps({"message": message}), RUN_FAILED if script_failed else RUN_SUCCEEDED)


def result_response(result: Any) -> Response:
    """Return the result of run() as JSON; raises TypeError or ValueError where JSON cannot express it."""
    return json_response(200, "{}" if result is None else encode(result))


def _plain(value: Any) -> Any:
    """Turn values of NumPy and pandas, which JSON cannot express, into lists, numbers and text."""
    library = type(value).__module__.partition(".")[0]
    if library == "pandas":
        return _plain_pandas(value)
    if library == "numpy" and hasattr(value, "tolist"):
        is_time = value.dtype.kind in "mM"
        return value.astype(str).tolist() if is_time else value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _plain_pandas(value: Any) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    if hasattr(value, "tolist"):
        return value.tolist()
    if str(value) in {"<NA>", "NaT"}:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


encode = json.JSONEncoder(default=_plain).encode
