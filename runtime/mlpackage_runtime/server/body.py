"""Read the body of a request up to a limit of bytes; the connection limits the time."""

from __future__ import annotations

from mlpackage_runtime.server.asgi import Message, Receive, Scope


class BodyTooLargeError(Exception):
    """The body is larger than the limit."""


class ClientGoneError(Exception):
    """The client closed the connection, so nobody waits for a response."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the whole body; a `limit` of 0 means no limit. Raises BodyTooLargeError or ClientGoneError."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            _check_size(int(value), limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
        _check_size(len(body), limit)
        return body
    return await _read_parts(message, receive, limit)


async def _read_parts(message: Message, receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    held = 0
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        held += len(parts[-1])
        _check_size(held, limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise ClientGoneError


def _check_size(size: int, limit: int) -> None:
    if limit and size > limit:
        raise BodyTooLargeError(f"The body must not exceed {limit} bytes.")
