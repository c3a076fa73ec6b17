"""Answer a common POST to /score where it arrives, without the task, the scope and the events of an application.

The connection takes this path by the head of a request. Whatever turns out to be uncommon later (an error, a stream, a
large answer, a server that is stopping) goes to the application, together with what the worker said. The application
makes every other response, and its endpoint chooses the ids and the headers of both.
"""

from __future__ import annotations

import time
from itertools import chain
from typing import ClassVar, Mapping, Protocol

from mlpackage_runtime.contract import JSON_TYPE, RUN_SUCCEEDED
from mlpackage_runtime.server.asgi import Headers
from mlpackage_runtime.server.body import FREE
from mlpackage_runtime.server.endpoint import Endpoint
from mlpackage_runtime.server.flights import Flights
from mlpackage_runtime.server.ids import IdTooLongError, response_ids
from mlpackage_runtime.server.jobs import Job, Reply
from mlpackage_runtime.server.pool import Pool, Unavailable

TARGET = b"/score"
OK = 200
STATUS = b"HTTP/1.1 200 OK\r\n"
# The headers that a worker gives to a usual result, with the length of the body and the time that run() took.
USUAL = [*JSON_TYPE, *RUN_SUCCEEDED, b"content-length"]
START = (
    b"content-type: application/json\r\nx-ms-run-function-failed: False\r\ncontent-length: %d\r\n"
    b"x-ms-run-fn-exec-ms: %b\r\n"
)


class Client(Protocol):
    """The connection of a request."""

    def send_direct(self, request: DirectRequest, reply: Reply) -> None:
        """Send the response to a request, if the client is still there."""

    def hand_over(self, request: DirectRequest) -> None:
        """Let the application respond to the request, by its outcome."""


class DirectPath:
    """What all requests on the direct path share."""

    def __init__(self, pool: Pool, endpoint: Endpoint, flights: Flights, body_limit: int) -> None:
        self.pool = pool
        self.endpoint = endpoint
        self.flights = flights
        self._largest = min(FREE, body_limit) if body_limit else FREE
        self._default: Headers = []
        self._default_lines = b""

    def begin(self, client: Client, headers: Headers) -> DirectRequest | None:
        """Return a request by its headers, which may have a body of known size; None where it is not a common one."""
        size = -1
        for name, value in headers:
            if name == b"content-length":
                size = int(value)
            elif name == b"transfer-encoding" or (name == b"connection" and value != b"keep-alive"):
                return None
        if not 0 <= size <= self._largest or self.endpoint.is_stopping() or self.pool.description.raw:
            return None
        try:
            request_id, ids = response_ids(headers)
        except IdTooLongError:
            return None
        self.flights.begin()
        return DirectRequest(self, client, headers, request_id, ids)

    def finish(self, request: DirectRequest, length: int) -> None:
        """Log a request that has its response."""
        name, started = request.request_id, request.started
        self.endpoint.add_line("POST", TARGET.decode(), OK, started, length=length, request_id=name)
        self.flights.end()

    def response(self, request: DirectRequest, reply: Reply, default: Headers) -> bytes:
        """Return the bytes of the response to a request; `default` are the headers of all responses."""
        if default is not self._default:  # the server makes it anew with each date
            self._default, self._default_lines = default, lines(default)
        common = self.endpoint.common_headers("POST", request.headers, request.ids)
        head = STATUS + self._default_lines + START % (len(reply.body), reply.headers[7]) + lines(common)
        end = b"\r\n" if request.keep_alive else b"connection: close\r\n\r\n"
        return head + end + reply.body  # type: ignore[operator]  # a usual one is no file


def lines(headers: Headers) -> bytes:
    """Return headers as HTTP/1.1 has them."""
    return b"".join([b"%b: %b\r\n" % (name.lower(), value) for name, value in headers])


def is_usual(reply: Reply) -> bool:
    """Tell whether a reply is the whole result of a run() that returned a value of moderate size."""
    headers, body = reply.headers, reply.body
    if reply.status != OK or reply.stream is not None or not isinstance(body, bytes) or len(body) > FREE:
        return False
    if headers[:5] != USUAL:
        return False
    return len(headers) == 8 and headers[5] == b"%d" % len(body) and headers[7].replace(b".", b"").isdigit()  # noqa: PLR2004 - four headers


class _NobodyWaits:
    """Stands for the event by which an application learns of new data."""

    def set(self) -> None:
        pass


class DirectRequest(Job):
    """A request on the direct path: what uvicorn's cycle is to its connection, and a job to the pool and the worker."""

    __slots__ = (
        *("body", "client", "disconnected", "headers", "ids", "keep_alive", "more_body", "request_id"),
        *("response_complete", "response_started", "started", "_is_asked", "_is_over", "_outcome", "_path"),
    )
    message_event = _NobodyWaits()
    scope: ClassVar[Mapping[str, str]] = {"http_version": "1.1"}

    def __init__(self, path: DirectPath, client: Client, headers: Headers, request_id: bytes, ids: Headers) -> None:
        super().__init__()
        self.started = time.perf_counter()
        self.client, self.headers, self.request_id, self.ids = client, headers, request_id, ids
        self.body = b""
        self.keep_alive = self.more_body = True
        self.disconnected = self.response_started = self.response_complete = False
        self._outcome: Reply | Exception | None = None  # until the application has taken it
        self._path = path
        self._is_asked = self._is_over = False

    def ask(self, peer: bytes) -> None:
        """Give the request, whose body is complete, to a worker."""
        self.head = [b"POST", TARGET, b"", peer, self.request_id, *chain.from_iterable(self.headers)]
        self.parts = (self.body,)
        self._is_asked = True
        try:
            self._path.pool.submit(self)
        except Unavailable as error:
            self.fail(error)

    def lose(self) -> None:
        """Note that the client is gone."""
        self.disconnected = True
        if not self._is_asked:
            self._path.flights.end()

    def gone(self) -> bool:
        return self.disconnected

    def resolve(self, reply: Reply) -> None:
        if not is_usual(reply) or self._path.endpoint.is_stopping():
            self._hand_over(reply)
            return
        self._end()
        self.client.send_direct(self, reply)
        self._path.finish(self, len(reply.body))

    def take_outcome(self) -> Reply | Exception | None:
        """Return what became of a request that was handed over, once; nothing then keeps a large answer."""
        outcome, self._outcome = self._outcome, None
        return outcome

    def fail(self, error: Exception) -> None:
        self._hand_over(error)

    def _hand_over(self, outcome: Reply | Exception) -> None:
        if not self._is_over:  # a worker may still end in the middle of its stream
            self._end()
            self._outcome = outcome
            self.client.hand_over(self)

    def _end(self) -> None:
        """Keep nothing large: the connection knows its last request for as long as it is open."""
        self._is_over = True
        self.body, self.head, self.parts = b"", (), ()
