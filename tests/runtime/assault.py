"""Gives an attack its connections and its time, and counts what comes of them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\n"
MB = 10**6


@dataclass(kw_only=True, slots=True)
class Assault:
    """An attack that is running: its target, its end, and what came of it."""

    port: int
    until: float
    found: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self.until

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        connection = socket.socket()
        connection.settimeout(max(self.until - time.monotonic(), 0.1))
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", self.port))
        return connection

    def send(self, parts: Iterator[bytes], source: str = "127.0.0.1") -> None:
        """Send on one connection until the parts end, the server ends the connection or the time is over."""
        try:
            with self.connect(source) as connection:
                with contextlib.suppress(ConnectionError):
                    for part in parts:
                        connection.sendall(part)
                        self.sent += len(part)
                        if not self.is_on:
                            break
                self.note_end(connection)
        except TimeoutError:
            self.found["open"] += 1
        except OSError:
            self.found["cut"] += 1

    def note_end(self, connection: socket.socket) -> None:
        """Count how a connection ended: by the status of its answer, or without one."""
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(65536)
        self.found[answer[9:12].decode() if answer.startswith(b"HTTP/") else "cut"] += 1

    def repeat(self, once: Callable[[], None], threads: int) -> None:
        """Do something again and again in several threads until the time is over."""

        def go_on() -> None:
            while self.is_on:
                once()

        running = [threading.Thread(target=go_on) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()


def endless(start: bytes, block: bytes) -> Iterator[bytes]:
    yield start
    while True:
        yield block


def post(assault: Assault, body: bytes, fields: bytes = b"") -> None:
    head = HEAD + b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) + fields + b"\r\n"
    assault.repeat(lambda: assault.send(iter([head, body])), 2)


def hold(
    assault: Assault, start: Callable[[], bytes], *, most: int, peers: int = 1, wait: bool = True
) -> list[socket.socket]:
    """Open connections, send a start on each, and keep them open to the end of the time, where `wait` says so."""
    connections: list[socket.socket] = []
    for number in range(most):
        if not assault.is_on:
            break
        try:
            connection = assault.connect(f"127.0.{1 + number % peers}.1" if peers > 1 else "127.0.0.1")
            connections.append(connection)
            connection.settimeout(1)
            connection.sendall(start())
            assault.sent += len(start())
        except OSError:
            assault.found["refused"] += 1
    if wait:
        time.sleep(max(assault.until - time.monotonic(), 0))
        count(assault, connections)
    return connections


def count(assault: Assault, connections: list[socket.socket]) -> None:
    """Count the connections by their answers, or as `open`, without waiting for any."""
    for connection in connections:
        connection.settimeout(0)
        try:
            assault.note_end(connection)
        except BlockingIOError:
            assault.found["open"] += 1
