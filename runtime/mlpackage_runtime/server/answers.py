"""The server's own answers: everything that is not a worker's."""

from __future__ import annotations

import json
from typing import List, Tuple

Headers = List[Tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
FAILED = (b"x-ms-run-function-failed", b"True")
SUCCEEDED = (b"x-ms-run-function-failed", b"False")

SCRIPT_ERROR = "An unexpected error occurred in scoring script. Check the logs for more info."
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
    " and try again."
)
WRONG_METHOD = "The method is not allowed for the requested URL."


def error(message: str, *, script_failed: bool = False) -> tuple[Headers, bytes]:
    """Return the headers and the body of an error: a JSON object with a message."""
    return [JSON_TYPE, FAILED if script_failed else SUCCEEDED], json.dumps({"message": message}).encode()
