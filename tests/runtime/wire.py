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
from typing import NamedTuple

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


class View(NamedTuple):
    """What h11 sees: whole requests, the methods of all heads, and the end.

    The end is `closed` after a request that is the last, `more` where a head is incomplete, or `refused`; `more body`
    and `refused body` where the head is right, and what follows it is not.
    """

    requests: list[Seen]
    methods: list[str]
    end: str


def exchange(port: int, pieces: Iterable[bytes], *, pause: float = 0.0, half_close: bool = False) -> bytes:
    """Send bytes piece by piece and return all that comes back until the server closes; raises TimeoutError."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # what was received before a reset can still be read
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


def seen_by_h11(sent: bytes) -> View:
    """Return what h11 sees in the bytes that a client sends; empty lines before a request do not count."""
    found: list[Seen] = []
    methods: list[str] = []
    while rest := sent.lstrip(b"\r\n"):
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        connection.receive_data(rest)
        end = "more"
        try:
            head = _next(connection)
            if isinstance(head, h11.Request):
                methods.append(head.method.decode())
                end = "more body"
                found.append(_with_body(connection, head))
        except (h11.RemoteProtocolError, EOFError) as error:
            refused = end.replace("more", "refused")
            return View(found, methods, end if isinstance(error, EOFError) else refused)
        if connection.their_state is h11.MUST_CLOSE:
            return View(found, methods, "closed")
        sent, _ = connection.trailing_data
    return View(found, methods, "more")


def _next(connection: h11.Connection) -> h11.Event:
    event = connection.next_event()
    if isinstance(event, h11.Event):
        return event
    raise EOFError


def _with_body(connection: h11.Connection, request: h11.Request) -> Seen:
    body = bytearray()
    while isinstance(event := _next(connection), h11.Data):
        body += event.data
    headers = tuple((name.decode(), value.decode("latin-1")) for name, value in request.headers)
    return Seen(method=request.method.decode(), target=request.target, headers=headers, body=bytes(body))
