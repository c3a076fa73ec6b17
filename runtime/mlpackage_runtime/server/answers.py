"""Make the server's own responses, and define the form in which every response leaves."""

from __future__ import annotations

import json
import math
from typing import NamedTuple

from mlpackage_runtime.contract import JSON_TYPE, RUN_FAILED, RUN_SUCCEEDED
from mlpackage_runtime.server.asgi import Headers
from mlpackage_runtime.server.stored import AnyBody
from mlpackage_runtime.server.streams import Stream

HTML_TYPE = (b"content-type", b"text/html; charset=utf-8")

NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
    " and try again."
)
WRONG_METHOD = "The method is not allowed for the requested URL."


class Outgoing(NamedTuple):
    """A response on its way to the client; `stream` brings the parts of a body that is not complete yet."""

    status: int
    headers: Headers
    body: AnyBody
    stream: Stream | None = None


def whole(status: int, headers: Headers, body: bytes) -> Outgoing:
    """Return a complete response, with its content-length."""
    return Outgoing(status, [*headers, (b"content-length", b"%d" % len(body))], body)


def json_body(value: object) -> bytes:
    return json.dumps(value).encode()


def error(
    status: int, message: str, *, script_failed: bool = False, close: bool = False, retry_after: float = 0
) -> Outgoing:
    """Return an error as a JSON object; `close` and `retry_after`, in seconds, add headers for what comes next."""
    headers = [JSON_TYPE, RUN_FAILED if script_failed else RUN_SUCCEEDED]
    if close:
        headers.append((b"connection", b"close"))
    if retry_after:
        headers.append((b"retry-after", b"%d" % math.ceil(retry_after)))
    return whole(status, headers, json_body({"message": message}))
