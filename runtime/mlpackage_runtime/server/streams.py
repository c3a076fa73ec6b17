"""Pass a streamed response from the worker that makes it to the client that reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable, Deque

from mlpackage_runtime.server.asgi import Send

BUFFERED_CHUNKS = 16  # that the server holds before the worker must wait for the client


class Broken(Exception):  # noqa: N818 - an event, shown by cutting the connection
    """The stream broke off before it was complete."""


class Stream:
    """The parts of a response, which arrive from a worker's socket and leave for a client's connection."""

    def __init__(self, transport: asyncio.Transport, cancel: Callable[[], None]) -> None:
        self._transport = transport
        self._cancel = cancel
        self._parts: Deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._broken = False
        self._unwanted = False
        self._then: Callable[[], None] | None = None

    @property
    def waits_for_client(self) -> bool:
        return len(self._parts) >= BUFFERED_CHUNKS

    def put(self, part: bytes) -> None:
        if self._unwanted:
            return
        self._parts.append(part)
        self._arrived.set()
        if self.waits_for_client:
            self._transport.pause_reading()

    def end(self, *, broken: bool = False) -> None:
        self._ended = True
        self._broken = broken
        self._arrived.set()
        then, self._then = self._then, None
        if then is not None:
            then()

    def when_ended(self, then: Callable[[], None]) -> None:
        """Call a function when the last part has arrived or the stream has broken off."""
        if self._ended:
            then()
        else:
            self._then = then

    def drop(self) -> None:
        """Discard all further parts, and tell the worker that nobody reads them."""
        self._unwanted = True
        self._parts.clear()
        if not self._ended:
            self._cancel()
        self._resume()  # also where the last part has arrived: the worker's next answers come the same way

    async def next(self) -> bytes | None:
        """Return the next part, or None after the last one; raises Broken where the stream broke off."""
        while not self._parts and not self._ended:
            self._arrived.clear()
            await self._arrived.wait()
        if not self._parts and self._broken:
            raise Broken
        if not self._parts:
            return None
        part = self._parts.popleft()
        if len(self._parts) == BUFFERED_CHUNKS - 1:
            self._resume()
        return part

    def _resume(self) -> None:
        if not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()


async def send_stream(stream: Stream, send: Send, gone: Callable[[], bool]) -> None:
    """Send a stream to its end, or until the client leaves; the connection ends when the client takes too little."""
    try:
        while not gone():
            part = await stream.next()
            if part is None:
                await send({"type": "http.response.body", "body": b""})
                return
            if part:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except Broken:
        pass  # without a last message uvicorn cuts the connection, and the client notices that the body is incomplete
    stream.drop()
