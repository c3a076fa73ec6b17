"""Limit how long a request may take to arrive, and how large its head may be.

uvicorn waits for ever for the rest of a request, and keeps headers of any size. Here a request must arrive within
`receive_timeout` seconds plus one second for each KiB of it, and its head has the limits of the original server.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

GONE = "mlpackage.gone"  # set in a request's scope when its connection is lost

SLOWEST = 1024  # bytes per second
HEAD_LIMIT = 65536
FIELD_LIMIT = 8190
FIELDS_LIMIT = 100
TARGET_LIMIT = 8190


class RefusedHead(Exception):  # noqa: N818 - stops the parser, which turns it into its own error
    """The head of the request breaks a limit, and the client already has the response."""


class ClientConnection(HttpToolsProtocol):
    """A connection of uvicorn's to one client, with these limits."""

    receive_timeout = 30.0
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # None before the first request

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._received = 0  # bytes of the arriving request, from the piece of data in which it begins
        self._piece = 0
        self._in_head = True
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None
        self._begun: float | None = self.loop.time()
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._piece = len(data)
        self._received += len(data)
        super().data_received(data)
        if self._begun is None and (self.cycle is None or self.cycle.response_complete):
            self._begun = self.loop.time()  # stray bytes between requests count as a request
        if self._begun is not None:
            if self._in_head and self._received > HEAD_LIMIT:
                self._refuse(431, "The request's head is too large.")
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.cycle is not None:
            self.cycle.scope[GONE] = True  # type: ignore[literal-required]
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = self.loop.time()
        self._received = self._piece
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._check_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._begun = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _check_head(self) -> None:
        if len(self.url) > TARGET_LIMIT:
            self._refuse(414, "The request's target is too long.")
            raise RefusedHead
        # A head of few bytes cannot break the other limits.
        if len(self.headers) > FIELDS_LIMIT or (self._received > FIELD_LIMIT and self._has_large_fields()):
            self._refuse(431, "The request has too many header fields, or too large ones.")
            raise RefusedHead

    def _has_large_fields(self) -> bool:
        sizes = [len(name) + len(value) for name, value in self.headers]
        return max(sizes, default=0) > FIELD_LIMIT or sum(sizes) > HEAD_LIMIT

    def _watch(self) -> None:
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self._remaining(), self._check_time)

    def _remaining(self) -> float:
        begun = self.loop.time() if self._begun is None else self._begun
        return begun + self.receive_timeout + self._received / SLOWEST - self.loop.time()

    def _check_time(self) -> None:
        # One timer serves the whole connection: it is set again for the request that is arriving now.
        self._timer = None
        if self._begun is None or self.transport.is_closing():
            return
        if self.pipeline or self._remaining() > 0:
            self._timer = self.loop.call_later(max(self._remaining(), 1.0), self._check_time)
        else:
            self._refuse(408, "The request did not arrive in time.")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what cannot become a request and close the connection, after any response that is still due."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False
            return
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_whole_response(status, message))
        self.transport.close()


def _whole_response(status: int, message: str) -> bytes:
    body = json.dumps({"message": message}).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-ms-run-function-failed: False\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
