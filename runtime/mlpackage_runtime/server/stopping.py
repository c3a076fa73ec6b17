"""Stop without cutting a connection that has sent a request: answer what came, refuse what comes, then close."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import socket
import struct
import sys
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

SO_ATTACH_FILTER = 26  # Linux; Python's socket module does not name it
# Drops a packet that has the flag SYN (2) in byte 13 of its TCP header; lets all others pass.
DROP_NEW = [(0x30, 0, 0, 13), (0x45, 0, 1, 2), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]
HANDSHAKE = 0.2  # seconds in which a client that has begun to connect is connected
QUIET = 0.2  # seconds without a new request, after which nobody seems to send any more
QUIET_WAIT = 2.0  # seconds to wait for that


class StoppableServer(uvicorn.Server):
    """Runs uvicorn, and turns signals into events: the first asks it to stop, the second to hurry."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup has it ignored
            signal.signal(signal.SIGHUP, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.stop.is_set()
        event = self.hurry if self.stop.is_set() else self.stop
        self._loop.call_soon_threadsafe(event.set)

    async def wait_until_quiet(self) -> None:
        """Wait until no request has come for a moment; those that come meanwhile are answered."""
        limit = self._loop.time() + QUIET_WAIT
        before = -1
        while before != self.server_state.total_requests and self._loop.time() < limit:
            before = self.server_state.total_requests
            await asyncio.sleep(QUIET)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listening sockets, take what had connected to them until then, and close all connections."""
        with contextlib.ExitStack() as kept:
            copies = [kept.enter_context(listener.dup()) for listener in sockets or []]
            for copy in copies:
                refuse_new(copy)
            await asyncio.sleep(HANDSHAKE)
            for server in self.servers:
                server.close()
            for copy in copies:
                await self._take_waiting(copy)
        await super().shutdown(sockets)

    async def _take_waiting(self, listener: socket.socket) -> None:
        listener.setblocking(False)  # noqa: FBT003 - positional only
        kind: Any = self.config.http_protocol_class
        protocol = partial(kind, config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                connection, _ = listener.accept()
                connection.setblocking(False)  # noqa: FBT003
                await self._loop.connect_accepted_socket(protocol, connection)


def refuse_new(listener: socket.socket) -> None:
    """Let nobody begin to connect to a listening socket; a client tries again, and finds the port closed.

    Those who have begun go on: a filter drops the first packet of a handshake alone. Linux only.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in DROP_NEW))
    with contextlib.suppress(OSError):
        listener.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(DROP_NEW), ctypes.addressof(program))
        )
