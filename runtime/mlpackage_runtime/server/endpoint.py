"""Add what the responses of all known routes have in common: ids, version, cross-origin headers, a line in the log."""

from __future__ import annotations

import time
from typing import Awaitable, Callable

from mlpackage_runtime.server import answers
from mlpackage_runtime.server.answers import Outgoing
from mlpackage_runtime.server.asgi import DIRECT, GONE, Headers, Receive, Scope, Send
from mlpackage_runtime.server.body import FREE, ClientGoneError, Room
from mlpackage_runtime.server.cors import ALLOW_ORIGIN
from mlpackage_runtime.server.ids import IdTooLongError, response_ids
from mlpackage_runtime.server.request_log import RequestLog
from mlpackage_runtime.server.settings import Settings
from mlpackage_runtime.server.stored import AnyBody, StoredBody, slices
from mlpackage_runtime.server.streams import send_stream

NONE: Headers = []

Respond = Callable[[Scope, Receive, bytes], Awaitable[Outgoing]]  # the bytes are the request's id


class Endpoint:
    """Makes an ASGI application of a function that returns the response to a request."""

    def __init__(
        self, respond: Respond, settings: Settings, log: RequestLog | None, *, room: Room, stopping: Callable[[], bool]
    ) -> None:
        self._respond = respond
        self._room = room
        self.is_stopping = stopping
        self._log = log
        self._cors = settings.cors
        version = settings.server_version.encode("latin-1", "replace")
        self._version: Headers = [(b"x-ms-server-version", version)] if version else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = b""
        try:
            direct = scope.get(DIRECT)
            if direct is not None:
                started, request_id, ids = direct.started, direct.request_id, direct.ids
            else:
                request_id, ids = response_ids(scope["headers"])
            status, headers, body, stream = await self._respond(scope, receive, request_id)
        except IdTooLongError as too_long:
            ids = too_long.headers
            status, headers, body, stream = answers.error(431, str(too_long))
        except ClientGoneError:
            return
        headers += self.common_headers(scope["method"], scope["headers"], ids, headers)
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
        except BaseException:
            if stream is not None:
                stream.drop()  # a worker waits for whoever reads it
            raise
        if stream is not None:
            await send_stream(stream, send, lambda: GONE in scope)
        elif len(body) <= FREE:
            await send({"type": "http.response.body", "body": body})
        else:
            await self._send_large(body, send, lambda: GONE in scope)
        length = "N/A" if stream is not None else len(body)
        self.add_line(scope["method"], target_of(scope), status, started, length=length, request_id=request_id)

    def common_headers(self, method: str, request: Headers, ids: Headers, own: Headers = NONE) -> Headers:
        """Return the headers that every response gets, by those of its request and those that it has of its own."""
        headers = [*self._version, *ids]
        if self.is_stopping():
            headers.append((b"connection", b"close"))
        if self._cors is not None and not any(name == ALLOW_ORIGIN for name, _ in own):
            headers += self._cors.headers(method, request)
        return headers

    def add_line(
        self, method: str, target: str, status: int, started: float, *, length: int | str, request_id: bytes
    ) -> None:
        """Log a request with the time since it `started`, by perf_counter()."""
        if self._log is not None:
            elapsed_ms = (time.perf_counter() - started) * 1000
            self._log.add(method, target, status, elapsed_ms, length=length, request_id=request_id.decode("latin-1"))

    async def _send_large(self, body: AnyBody, send: Send, gone: Callable[[], bool]) -> None:
        """Send a body in slices, each when the client has taken those before it, and count its bytes until then."""
        self._room.add(len(body))
        left = len(body)
        try:
            for part in slices(body):
                left -= len(part)
                await send({"type": "http.response.body", "body": part, "more_body": left > 0})
                if gone():
                    return
        finally:
            self._room.give_back(len(body))
            if isinstance(body, StoredBody):
                body.close()


def target_of(scope: Scope) -> str:
    """Return the path and the query as they were sent: decoded, a line break could forge a line of the log."""
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"]
    return f"{path}?{query.decode('latin-1')}" if query else path
