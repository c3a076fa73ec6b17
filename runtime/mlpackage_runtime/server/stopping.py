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
BPF_RETURN = 6
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
                _refuse_new(copy)
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


def _refuse_new(listener: socket.socket) -> None:
    """Let no further connection reach a listening socket; a client tries again, and finds the port closed.

    On Linux, a filter drops the packets of new clients: the kernel accepts no connection after the last one taken here.
    """
    listener.listen(0)
    if sys.platform != "linux":
        return
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(instruction)))
