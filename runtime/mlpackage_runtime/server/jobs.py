"""Define a request on its way through a worker, and its possible outcomes."""

from __future__ import annotations

import asyncio
from typing import Callable, NamedTuple, Sequence

from mlpackage_runtime.server.stored import AnyBody, Parts
from mlpackage_runtime.server.streams import Stream


class Reply(NamedTuple):
    """A worker's response; `stream` brings the parts of a body that is not complete yet."""

    status: int
    headers: Sequence[bytes]
    body: AnyBody
    stream: Stream | None = None


class WorkerDied(Exception):  # noqa: N818 - an event, reported as a status
    """The worker ended while it was running the request."""


class DeadlinePassed(Exception):  # noqa: N818
    """The request ran longer than allowed, and its worker was killed."""


class Job:
    """A request on its way through a worker; it is resolved or fails once.

    `head` and `parts`, those of the body, go to the worker. `spared` says that a worker died when the request was its
    only one and lay unread before it.
    """

    __slots__ = ("head", "parts", "spared")

    head: Sequence[bytes]
    parts: Parts

    def __init__(self) -> None:
        self.spared = False

    def gone(self) -> bool:
        """Tell whether nobody waits for the response any more."""
        raise NotImplementedError

    def resolve(self, reply: Reply) -> None:
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        raise NotImplementedError


class AwaitedJob(Job):
    """A job whose `reply` can be awaited: a Reply, or an error."""

    __slots__ = ("_gone", "reply")

    def __init__(
        self,
        head: Sequence[bytes],
        parts: Parts,
        gone: Callable[[], bool],
        reply: asyncio.Future[Reply | Exception],
    ) -> None:
        super().__init__()
        self.head = head
        self.parts = parts
        self.reply = reply
        self._gone = gone

    def gone(self) -> bool:
        return self._gone()

    def resolve(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_result(error)
