"""Define a request on its way through a worker, and its possible outcomes."""

from __future__ import annotations

import asyncio
from typing import Callable, NamedTuple, Sequence

from mlpackage_runtime.server.streams import Stream


class Reply(NamedTuple):
    """A worker's response; `stream` brings the parts of a body that is not complete yet."""

    status: int
    headers: Sequence[bytes]
    body: bytes
    stream: Stream | None = None


class WorkerDied(Exception):  # noqa: N818 - an event, reported as a status
    """The worker ended while it was running the request."""


class DeadlinePassed(Exception):  # noqa: N818
    """The request ran longer than allowed, and its worker was killed."""


class Job:
    """A request on its way through a worker; `reply` is resolved once, with a Reply or an error.

    `body` is in parts. `spared` says that a worker died when the request was its only one and lay unread before it.
    """

    __slots__ = ("body", "gone", "head", "reply", "spared")

    def __init__(
        self,
        head: Sequence[bytes],
        body: Sequence[bytes],
        gone: Callable[[], bool],
        reply: asyncio.Future[Reply | Exception],
    ) -> None:
        self.head = head
        self.body = body
        self.gone = gone
        self.reply = reply
        self.spared = False

    def resolve(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_result(error)
