"""How many requests are let in at once, and how long the others wait for it: what the original's front end limited."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Awaitable, Callable, Deque, Sequence

from mlpackage_runtime.server.body import ClientGoneError
from mlpackage_runtime.server.jobs import Reply
from mlpackage_runtime.server.pool import Unavailable
from mlpackage_runtime.server.settings import Settings

Score = Callable[[Sequence[bytes], bytes, Callable[[], bool]], Awaitable[Reply]]


class Gate:
    """Lets at most so many requests through to the workers; the next ones wait in line, for so long at most."""

    def __init__(self, settings: Settings, score: Score) -> None:
        self._score = score
        self._places = settings.max_concurrent_requests or settings.worker_count
        self._wait_ms = settings.max_queue_wait_ms
        self._queue_limit = settings.queue_limit
        self._line: Deque[asyncio.Future[None]] = deque()

    async def score(self, head: Sequence[bytes], body: bytes, gone: Callable[[], bool]) -> Reply:
        """Return a worker's reply. Raises what the pool raises, and Unavailable when the wait was too long."""
        await self._enter()
        stream = None
        try:
            if gone():
                raise ClientGoneError
            reply = await self._score(head, body, gone)
            stream = reply.stream
            return reply
        finally:
            if stream is None:
                self._leave()
            else:
                stream.when_ended(self._leave)

    async def _enter(self) -> None:
        if self._places > 0:
            self._places -= 1
            return
        if len(self._line) >= self._queue_limit:
            raise Unavailable("Too many requests are waiting.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            done, _ = await asyncio.wait({turn}, timeout=None if self._wait_ms is None else self._wait_ms / 1000)
        except asyncio.CancelledError:
            self._step_out(turn)
            raise
        if not done:
            self._step_out(turn)
            raise Unavailable(f"The request waited {self._wait_ms} ms, and the model is still busy.")

    def _step_out(self, turn: asyncio.Future[None]) -> None:
        if turn.done():  # its turn came in the very moment in which it left
            self._leave()
        else:
            self._line.remove(turn)

    def _leave(self) -> None:
        if self._line:
            self._line.popleft().set_result(None)
        else:
            self._places += 1
