"""Run a worker process, and keep its socket, its state and its requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from typing import Callable, Deque, Sequence

from mlpackage_runtime import frames
from mlpackage_runtime.contract import log
from mlpackage_runtime.server.jobs import DeadlinePassed, Job, Reply, WorkerDied
from mlpackage_runtime.server.settings import Settings
from mlpackage_runtime.server.spawn import ended, kill, spawn
from mlpackage_runtime.server.stored import received, send_request
from mlpackage_runtime.server.streams import Stream

READ_SIZE = 65536
QUICK = 0.005  # seconds; after a request that took less, others are sent ahead
AHEAD = 7  # requests at most that lie ready in the worker's socket
MERGED = 64  # requests at most that a worker has which merges them
WAKE = 0.0002  # seconds that it takes to wake an idle worker, about
SLOWNESS = 0.2  # the weight of the last request in the mean time of one
DRAIN_TIMEOUT = 1.0  # seconds for the last frames of a process that has ended


class Worker(asyncio.Protocol):
    """A worker process, and the frames that it and the server exchange.

    It calls `free` whenever the process can take a request, and `lost` when it never will again, with the requests that
    the process had not begun.
    """

    def __init__(
        self, settings: Settings, free: Callable[[Worker], None], lost: Callable[[Worker, Sequence[Job]], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[str] = loop.create_future()  # resolved with "" or the reason why it cannot start
        self.description = frames.Description()
        self.answered = 0
        self.lost_request = False
        self.pid = 0
        self._closed: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._settings = settings
        self._free = free
        self._lost = lost
        self._is_lost = False
        self._is_closed = False
        self._parser = frames.FrameParser()
        self._jobs: Deque[Job] = deque()  # the first is running, the others were sent ahead
        self._quick = False
        self._cost = 0.0  # the mean time of a request, in seconds
        self._merges = False
        self._receiving = False  # whether the worker has read a part of its first request, and not yet the rest
        self._stream: Stream | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timeout = settings.scoring_timeout_ms / 1000

    async def spawn(self, environment: dict[str, str]) -> None:
        """Start the process, unless one was started early, and connect to it."""
        start = self._settings.start_frame()
        self._process, ours, self._files, self._progress = spawn(self._settings.worker_python, environment, start)
        self.pid = self._process.pid
        self._files.setblocking(False)  # noqa: FBT003 - positional only
        self._same_socket = ours.dup()
        self._same_socket.setblocking(False)  # noqa: FBT003 - positional only
        await self._loop.create_connection(lambda: self, sock=ours)

    async def ended(self) -> int:
        """Wait for the process to end and return its exit status, negative for a signal."""
        status = await ended(self._process)
        # Its last frames may still be on their way, and a process that it forked may keep the socket open.
        await asyncio.wait([self._closed], timeout=DRAIN_TIMEOUT)
        self._transport.abort()
        self._lose(WorkerDied())
        self.kill()
        return status

    def kill(self) -> None:
        if self.pid:
            kill(self.pid)

    def close(self) -> None:
        """Ask the process to end, by closing its socket."""
        self._transport.close()

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    @property
    def room(self) -> int:
        """The number of requests that can be sent to the worker now.

        One that has the next quick request in its socket need not wait for the server in between, and both switch
        context less often. One that merges requests gets those that wait for it at once.
        """
        if self._stream is not None:
            return 0
        most = MERGED if self._merges else AHEAD + 1
        gathers = self._merges and (self.is_idle or self._settings.batching_max_delay_ms > 0)
        if not self._quick and not gathers:
            most = 1
        return most - len(self._jobs)

    @property
    def wait(self) -> float:
        """The time that a request would wait for this worker, in seconds: about, to compare workers."""
        return len(self._jobs) * self._cost if self._jobs else WAKE

    def send(self, job: Job) -> None:
        """Give a request to the worker, which must have room."""
        send_request(self._transport.write, self._files, job.head, job.parts)
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()  # the loop's clock counts milliseconds
        self._deadline = self._loop.time() + self._timeout
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        # One timer serves the worker, not each request: it is set again for the request that is running now.
        self._timer = None
        if not self._jobs:
            return
        if self._stream is not None and self._stream.waits_for_client:
            self._deadline = self._loop.time() + self._timeout
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
        else:
            self._lose(DeadlinePassed())
            self.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        for kind, head, body in self._parser.feed(data):
            if not self._is_lost:  # frames after the deadline come too late
                self._receive(kind, head, body)

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closed = True
        self._read_rest()
        # Nobody could reach a process that lived on with a closed socket.
        if self._jobs or not self.started.done():
            self.kill()
        self._lose(WorkerDied(), unread=isinstance(error, (ConnectionResetError, BrokenPipeError)))
        if not self._closed.done():
            self._closed.set_result(None)

    def _read_rest(self) -> None:
        """Read the worker's last frames, which a transport leaves unread when a write fails."""
        with self._same_socket, self._files, contextlib.suppress(OSError):
            while data := self._same_socket.recv(READ_SIZE):
                self.data_received(data)

    def _receive(self, kind: int, head: Sequence[bytes], body: bytes) -> None:
        if kind == frames.RESPONSE:
            self._resolve(Reply(int(head[0]), head[1:], body))
            self._finish()
        elif kind == frames.RESPONSE_IN_FILE:
            self._receive_file(head)
        elif kind == frames.STREAM:
            number = b"%d" % (self.answered + 1)
            self._stream = Stream(self._transport, lambda: frames.send(self._transport.write, frames.CANCEL, [number]))
            self._resolve(Reply(int(head[0]), head[1:], b"", self._stream))
        elif kind == frames.RECEIVING:
            self._receiving = True
        elif kind == frames.CHUNK and self._stream:
            self._deadline = self._loop.time() + self._timeout
            self._stream.put(body)
        elif kind in (frames.END, frames.ABORT) and self._stream:
            self._stream.end(broken=kind == frames.ABORT)
            self._finish()
        else:
            self._receive_news(kind, head, body)

    def _receive_news(self, kind: int, head: Sequence[bytes], body: bytes) -> None:
        """Note what the worker says about itself."""
        if kind == frames.ORDER:
            self._reorder([int(place) for place in head])
        elif kind == frames.ALONE:
            self._merges = False
        elif kind == frames.READY:
            self.description = frames.Description(**json.loads(body))
            self._merges = self.description.merges
            self.started.set_result("")
            self._offer()
        elif kind == frames.FAILED:
            self.started.set_result(body.decode("utf-8", "replace"))

    def _receive_file(self, head: Sequence[bytes]) -> None:
        try:
            body = received(self._files)
        except OSError as error:
            self._refuse_file(error)
        else:
            self._resolve(Reply(int(head[0]), head[1:], body))
            self._finish()

    def _refuse_file(self, error: OSError) -> None:
        log.error("Worker %d sent an answer in a file that cannot be used: %s", self.pid, error)
        self._lose(WorkerDied())
        self.kill()

    def _resolve(self, reply: Reply) -> None:
        if self._jobs:
            self._jobs[0].resolve(reply)

    def _reorder(self, places: Sequence[int]) -> None:
        jobs, first = list(self._jobs), set(places)
        self._jobs = deque(jobs[place] for place in places)
        self._jobs.extend(job for place, job in enumerate(jobs) if place not in first)

    def _finish(self) -> None:
        self._jobs.popleft()
        self._receiving = False
        self._stream = None
        took = time.monotonic() - self._began
        self._quick = took < QUICK
        self._cost += SLOWNESS * (took - self._cost)
        self.answered += 1
        if self._jobs:
            self._begin()
        self._offer()

    def _offer(self) -> None:
        if not self._is_closed:
            self._free(self)

    def _lose(self, error: Exception, *, unread: bool = False) -> None:
        """Fail the requests that had begun, give the others back, and take no more.

        A request that had not begun gets one more try: it may be what kills the workers.
        """
        if self._is_lost:
            return
        self._is_lost = True
        if self._stream is not None:
            self._stream.end(broken=True)
        if self._timer is not None:
            self._timer.cancel()
        if not self.started.done():
            self.started.set_result("the worker process ended while it was starting")
        begun = self._begun(unread=unread)
        self._progress.close()
        if self._jobs and not begun:
            if self._jobs[0].spared:
                begun = [self._jobs[0]]
            self._jobs[0].spared = True
        for job in begun:
            self.lost_request = True
            self._jobs.remove(job)
            job.fail(error)
        self._lost(self, list(self._jobs))
        self._jobs.clear()

    def _begun(self, *, unread: bool) -> list[Job]:
        """Return the requests that the worker had begun when it ended: it said so in memory, or read the first one.

        The socket tells whether it was closed with unread bytes: those of its only request, unless the worker has said
        that it is receiving it.
        """
        jobs = list(self._jobs)
        if self._receiving or self._stream is not None:
            return jobs[:1]
        if self.description.merges:
            through, reading = self._progress.read()
            running, place = max(through - self.answered, 0), max(reading - self.answered, 0)
            return jobs[:running] or jobs[place - 1 : place]
        return [] if unread and len(jobs) == 1 else jobs[:1]
