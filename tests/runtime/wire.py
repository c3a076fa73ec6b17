"""Talks to a server in bytes: sends pieces, reads the answers, and asks h11 what a server should see in them."""

from __future__ import annotations

import contextlib
import io
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse, RemoteDisconnected
from itertools import chain, repeat

import h11

PATIENCE = 20.0  # seconds for an answer, because a loaded machine may take long
HEAD_LIMIT = 2**20
REFUSALS = range(400, 600)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer of the server, without its headers but for the one that ends the connection."""

    status: int
    body: bytes
    closes: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A whole request as h11 sees it."""

    method: str
    target: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes


def exchange(port: int, pieces: Iterable[bytes], *, pause: float = 0.0, half_close: bool = False) -> bytes:
    """Send bytes piece by piece and return all that comes back until the server closes; raises TimeoutError."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # what was received before a reset can still be read
            for piece in pieces:
                connection.sendall(piece)
                if pause:
                    time.sleep(pause)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                received += part
    return bytes(received)


class _Received(io.BytesIO):
    """Stands for the socket from which http.client reads answers, one after the other."""

    def makefile(self, mode: str) -> _Received:
        return self

    def close(self) -> None:
        """Stay open, because http.client closes what it has read an answer from."""


def answers(received: bytes, methods: Sequence[str] = ()) -> list[Answer]:
    """Return the final answers in received bytes; raises HTTPException. HEAD's answer needs the requests' methods."""
    source = _Received(received)
    found: list[Answer] = []
    for method in chain(methods, repeat("GET")):
        if source.tell() == len(received):
            break
        answer = _next_answer(source, method)
        if answer is None:
            break
        found.append(answer)
    return found


def _next_answer(source: _Received, method: str) -> Answer | None:
    start = source.tell()
    response = HTTPResponse(source, method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except RemoteDisconnected:
        return None  # only an interim answer came
    closes = response.getheader("connection", "").lower() == "close"
    rest = source.getvalue()[source.tell() :]
    if method == "HEAD" and closes and response.status in REFUSALS and rest:
        source.seek(start)  # a server that refuses a request need not know its method
        return _next_answer(source, "GET")
    return Answer(status=response.status, body=response.read(), closes=closes)


def seen_by_h11(sent: bytes) -> tuple[list[Seen], str]:
    """Return the whole requests that h11 sees, and how it ends: refused, refused body, more, more body, or closed."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    connection.receive_data(sent)
    found: list[Seen] = []
    while True:
        in_body = ""
        try:
            head = _next(connection)
            in_body = " body" if head else ""
            whole = _with_body(connection, head) if isinstance(head, h11.Request) else None
        except h11.RemoteProtocolError:
            return found, "refused" + in_body
        if whole is None:
            return found, "more" + in_body
        found.append(whole)
        # No status of a success, with which CONNECT would end HTTP.
        connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
        connection.send(h11.EndOfMessage())
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return found, "closed"
        connection.start_next_cycle()


def _next(connection: h11.Connection) -> h11.Event | None:
    event = connection.next_event()
    return event if isinstance(event, h11.Event) else None


def _with_body(connection: h11.Connection, request: h11.Request) -> Seen | None:
    body = bytearray()
    while isinstance(event := _next(connection), h11.Data):
        body += event.data
    if event is None:
        return None
    headers = tuple((name.decode(), value.decode("latin-1")) for name, value in request.headers)
    return Seen(method=request.method.decode(), target=request.target, headers=headers, body=bytes(body))
