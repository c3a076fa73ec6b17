"""Limits of connections: floods push out themselves, and a probe always gets an answer."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
import uvicorn
from mlpackage_runtime.server.connection import ClientConnection
from mlpackage_runtime.server.pace import SLOWEST, Arrival, Departure
from mlpackage_runtime.server.peers import RESERVE, RESERVE_FOR_PEER, Peers
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from mlpackage_runtime.server.asgi import Receive, Scope, Send
    from runtime_service import Service, Start

ECHO = "def init(): pass\ndef run(x): return len(x)\n"


class Guest:
    """A connection that notes whether it had to give way."""

    def __init__(self) -> None:
        self.gone = False

    def give_way(self) -> None:
        self.gone = True


def test_places_are_counted_in_total_and_for_each_peer() -> None:
    """A place is full within both limits, and is free again when its connection is lost."""
    peers = Peers(3, 2)
    first, *others = [Guest() for _ in range(6)]
    entered = [
        peers.enter(first, "a"),
        *(peers.enter(guest, peer) for guest, peer in zip(others, "aabbc", strict=True)),
    ]
    assert entered == [True, True, False, True, False, False]
    peers.leave(first)
    peers.leave(first)
    assert [peers.enter(Guest(), peer) for peer in "ca"] == [True, False]


def test_a_flood_pushes_out_its_own_connections() -> None:
    """The oldest of a peer with too many places in the reserve gives way, and the oldest of all when it is full."""
    peers = Peers(1, 0)
    peers.enter(Guest(), "first")
    flood = [Guest() for _ in range(RESERVE_FOR_PEER + 2)]
    for guest in flood:
        peers.enter(guest, "attacker")
    assert [guest.gone for guest in flood] == [True, True, *[False] * RESERVE_FOR_PEER]
    many = [Guest() for _ in range(RESERVE - RESERVE_FOR_PEER + 1)]
    for number, guest in enumerate(many):
        peers.enter(guest, f"peer {number}")
    assert [guest.gone for guest in flood[2:]] == [True, *[False] * (RESERVE_FOR_PEER - 1)]
    assert not any(guest.gone for guest in many)


def test_a_body_must_bring_enough_in_every_window() -> None:
    """A fast start earns no credit, and a head has one window, however much of it arrives."""
    arrival = Arrival(10)
    arrival.begin_head(0)
    arrival.count(10**9)
    assert (arrival.too_slow(9), arrival.too_slow(10)) == (False, True)
    arrival.begin_body(0)
    arrival.count(10**9)
    assert (arrival.too_slow(10), arrival.remaining(10)) == (False, 10)
    arrival.count(10 * SLOWEST - 1)
    assert arrival.too_slow(20)
    arrival.end()
    assert (arrival.too_slow(1000), arrival.is_open) == (False, False)


def test_a_client_must_take_enough_in_every_window() -> None:
    """What was written meanwhile hides what the client took, so that such a window does not count."""
    departure = Departure(10)
    waiting = [(50_000, 0), (50_000, 9), (30_000, 10), (30_000, 20), (29_000, 30)]
    assert [departure.too_slow(size, now) for size, now in waiting] == [False, False, False, True, True]
    departure.grew()
    waiting = [(29_000, 40), (29_000, 50), (0, 60), (0, 70)]
    assert [departure.too_slow(size, now) for size, now in waiting] == [False, True, False, False]


def probe(port: int, host: str = "127.0.0.1") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(host, 0))
    with contextlib.closing(connection):
        connection.request("GET", "/")
        response = connection.getresponse()
        return response.status, response.read()


def status(connection: socket.socket, request: bytes) -> int:
    """Send a request, read its whole answer, and return the status."""
    connection.sendall(request)
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def flood(service: Service, opened: contextlib.ExitStack, number: int, host: str) -> list[socket.socket]:
    def connect() -> socket.socket:
        return socket.create_connection(("127.0.0.1", service.port), timeout=5, source_address=(host, 0))

    return [opened.enter_context(connect()) for _ in range(number)]


def test_a_flood_of_connections_leaves_the_probe_its_place(serve: Start) -> None:
    """Beyond the limits `/` is answered, from the flooding address and from others, and /score is 503."""
    service = serve(ECHO, MLPACKAGE_CONNECTION_LIMIT="40", MLPACKAGE_PEER_LIMIT="30")
    score = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
    with contextlib.ExitStack() as opened:
        flood(service, opened, 200, "127.0.0.2")
        (other,) = flood(service, opened, 1, "127.0.0.3")
        assert status(other, score) == 200
        flood(service, opened, 20, "127.0.0.4")
        assert [probe(service.port, f"127.0.0.{number}") for number in (1, 2, 4)] == [(200, b"Healthy")] * 3
        assert service.post("x").status_code == 503
        assert status(other, score) == 200
    service.wait_until(lambda: service.post("x").status_code == 200, "places to be free again")


def test_a_place_of_the_reserve_is_short(serve: Start) -> None:
    """A connection that has no full place and sends nothing is closed after seconds, whatever the timeout is."""
    service = serve(ECHO, MLPACKAGE_CONNECTION_LIMIT="1", MLPACKAGE_RECEIVE_TIMEOUT="600")
    with contextlib.ExitStack() as opened:
        _, silent = flood(service, opened, 2, "127.0.0.1")
        silent.settimeout(20)
        began = time.monotonic()
        silent.recv(1000)
        assert 3 < time.monotonic() - began < 10


async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer after the seconds that the path names."""
    await asyncio.sleep(float(scope["path"][1:]))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("receive_timeout", [0.0, 30.0])
def test_an_idle_connection_is_closed_in_time(receive_timeout: float) -> None:
    """The time runs from the last answer, and not while a request is being answered."""
    kind = type("Connection", (ClientConnection,), {"receive_timeout": receive_timeout})
    config = uvicorn.Config(
        slowly, loop="none", http=kind, ws="none", lifespan="off", log_config=None, timeout_keep_alive=1
    )
    config.load()

    async def seconds_until_closed() -> float:
        loop = asyncio.get_running_loop()
        state = ServerState()
        made = partial(kind, config=config, server_state=state, app_state={})
        async with await loop.create_server(made, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for answered_after, pause in ((1.5, 0.7), (0, 0.7), (0, 0)):
                writer.write(b"GET /%a HTTP/1.1\r\nHost: x\r\n\r\n" % answered_after)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                await asyncio.sleep(pause)
            began = loop.time()
            assert await reader.read() == b""
            writer.close()
            return loop.time() - began

    assert 0.9 < asyncio.run(seconds_until_closed()) < 3
