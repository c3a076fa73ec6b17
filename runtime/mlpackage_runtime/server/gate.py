"""Limits how many requests may be with the workers at once, and how long the others wait for their turn.

A request can wait in two lines. Where MLPACKAGE_MAX_CONCURRENT_REQUESTS or MLPACKAGE_MAX_QUEUE_WAIT_MS is set, the gate
lets in MLPACKAGE_MAX_CONCURRENT_REQUESTS requests (by default one for each worker), and the others wait in its line for
MLPACKAGE_MAX_QUEUE_WAIT_MS at most. One that could not be let in by then, even if all before it were as fast as the
fastest of late, is refused at once: its client can ask another server in that time. A request that was let in waits in
the pool's queue until a worker is free. MLPACKAGE_QUEUE_LIMIT holds for each of the two lines. The pool owns that
limit, and the gate asks the pool.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Awaitable, Callable, Deque, Sequence

from mlpackage_runtime.server.body import ClientGoneError
from mlpackage_runtime.server.jobs import Reply
from mlpackage_runtime.server.pool import Pool, Unavailable
from mlpackage_runtime.server.settings import Settings
from mlpackage_runtime.server.stored import Parts

LATE = 32  # requests whose times say how fast the next ones may be

Score = Callable[[Sequence[bytes], Parts, Callable[[], bool]], Awaitable[Reply]]


def way_to_workers(settings: Settings, pool: Pool) -> Score:
    """Return what scores a request: the pool, behind a gate where the settings limit who is let in."""
    return Gate(settings, pool).score if has_gate(settings) else pool.score


def has_gate(settings: Settings) -> bool:
    """Tell whether the settings limit who is let in."""
    return settings.max_concurrent_requests is not None or settings.max_queue_wait_ms is not None


class Gate:
    """Lets a limited number of requests through to the pool and keeps the others in line."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._pool = pool
        self._all_places = self._places = settings.max_concurrent_requests or settings.worker_count
        self._wait_ms = settings.max_queue_wait_ms
        self._line: Deque[asyncio.Future[None]] = deque()
        self._took: Deque[float] = deque(maxlen=LATE)  # seconds

    async def score(self, head: Sequence[bytes], body: Parts, gone: Callable[[], bool]) -> Reply:
        """Return a worker's reply; raises what the pool raises, and Unavailable after too long a wait."""
        await self._enter()
        stream = None
        try:
            if gone():
                raise ClientGoneError
            began = time.monotonic()
            reply = await self._pool.score(head, body, gone)
            self._took.append(time.monotonic() - began)
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
        self._pool.check_queue(len(self._line))
        self._check_wait()
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

    def _check_wait(self) -> None:
        if self._wait_ms is None or not self._took:
            return
        least = len(self._line) // self._all_places * min(self._took)
        if least * 1000 > self._wait_ms:
            what = f"{len(self._line)} requests wait, so that no other can be let in within {self._wait_ms} ms."
            raise Unavailable(what, retry_after=least)

    def _step_out(self, turn: asyncio.Future[None]) -> None:
        if turn.done():  # the request was let in at the very moment it gave up
            self._leave()
        else:
            self._line.remove(turn)

    def _leave(self) -> None:
        if self._line:
            self._line.popleft().set_result(None)
        else:
            self._places += 1
