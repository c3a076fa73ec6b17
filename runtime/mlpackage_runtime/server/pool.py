"""Start the workers, give them requests from a queue, and replace those that end."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable, Deque, Mapping, Sequence

from mlpackage_runtime.contract import log
from mlpackage_runtime.frames import Description
from mlpackage_runtime.server.body import ClientGoneError
from mlpackage_runtime.server.jobs import AwaitedJob, Job, Reply
from mlpackage_runtime.server.settings import Settings
from mlpackage_runtime.server.stored import Parts
from mlpackage_runtime.server.worker import Worker

FIRST_DELAY = 0.5  # seconds before the second replacement in a row; doubled for each further one
LAST_DELAY = 30.0
CLOSE_TIMEOUT = 5.0


class Unavailable(Exception):  # noqa: N818 - an event, reported as a status
    """No worker can take the request now; the text says why, and `retry_after` in how many seconds to ask again."""

    def __init__(self, why: str, *, retry_after: float = 1.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Pool:
    """Keeps `worker_count` workers running and gives each request to the first that is free."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = settings.worker_environment(environ)
        self._ready: set[Worker] = set()
        self._workers: set[Worker] = set()
        self._waiting: Deque[Job] = deque()
        self._slots: list[asyncio.Task[None]] = []
        self._failing = False
        self._closing = False
        self._all_started = False
        self.description = Description()

    @property
    def healthy(self) -> bool:
        """Whether every worker has finished its first init(), and at least one is there to score."""
        return self._all_started and bool(self._ready)

    async def start(self) -> str:
        """Start every worker; return "" once all are ready, or the reason why the script cannot start."""
        startups = [asyncio.get_running_loop().create_future() for _ in range(self._settings.worker_count)]
        self._slots = [asyncio.ensure_future(self._keep_running(startup)) for startup in startups]
        for slot in self._slots:
            slot.add_done_callback(_log_failure)
        for startup in asyncio.as_completed(startups):
            reason: str = await startup
            if reason:
                return reason
        self._all_started = True
        return ""

    async def score(self, head: Sequence[bytes], body: Parts, gone: Callable[[], bool]) -> Reply:
        """Return a worker's reply. Raises Unavailable, ClientGoneError, WorkerDied or DeadlinePassed."""
        job = AwaitedJob(head, body, gone, asyncio.get_running_loop().create_future())
        self.submit(job)
        outcome = await job.reply
        if isinstance(outcome, Reply):
            return outcome
        try:
            raise outcome
        finally:
            # The error knows this frame: they would keep each other in memory, and the request with them.
            del outcome, job

    def submit(self, job: Job) -> None:
        """Give a job to a worker, or let it wait for one. Raises Unavailable."""
        worker = None if self._waiting or not self._all_started else self._best()
        if worker is not None:
            worker.send(job)
        elif not self._all_started or self._closing or (self._failing and not self._ready):
            raise Unavailable("No worker is ready.")
        else:
            self.check_queue(len(self._waiting))
            self._waiting.append(job)

    def _best(self) -> Worker | None:
        """Return the worker with room that a request waits for the shortest time; None where none has room."""
        free = [worker for worker in self._ready if worker.room > 0]
        return min(free, key=lambda worker: worker.wait, default=None) if len(free) != 1 else free[0]

    def check_queue(self, waiting: int) -> None:
        """Raise Unavailable where a line, the pool's own or the gate's, is as long as `queue_limit` allows."""
        if waiting >= self._settings.queue_limit:
            raise Unavailable("Too many requests are waiting.")

    async def close(self, *, hurry: bool = False) -> None:
        """End every worker by closing its socket, and kill those that do not end in time, or at once in a hurry."""
        self._closing = True
        for worker in self._workers:
            worker.close()
        if self._slots:
            await asyncio.wait(self._slots, timeout=CLOSE_TIMEOUT if self._all_started and not hurry else 0.1)
        for worker in self._workers:
            worker.kill()
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)

    async def _keep_running(self, startup: asyncio.Future[str]) -> None:
        """Keep one worker running while the pool is open."""
        failures = 0
        while not self._closing:
            useful = await self._run_worker(startup)
            failures = 0 if useful else failures + 1
            if not self._all_started:
                return
            if failures > 1:
                delay = min(FIRST_DELAY * 2 ** (failures - 2), LAST_DELAY)
                self._give_up_waiting(f"Workers keep ending; the next one starts in {delay:g} s")
                await asyncio.sleep(delay)

    async def _run_worker(self, startup: asyncio.Future[str]) -> bool:
        """Run a worker until it ends, and return whether it ran any request."""
        worker = Worker(self._settings, self._free, self._lose)
        try:
            await worker.spawn(self._environment)
        except (OSError, ValueError) as error:
            return self._not_spawned(startup, error)
        self._workers.add(worker)
        reason = await worker.started
        if not reason:
            self.description = worker.description
            self._failing = False
        if not startup.done():
            startup.set_result(reason)
        elif reason:
            log.error("A worker cannot start: %s", reason)
        status = await worker.ended()
        self._workers.discard(worker)
        if not self._closing and self._all_started:
            log.error("Worker %d ended with status %d; starting another", worker.pid, status)
        return worker.lost_request or worker.answered > 0

    def _not_spawned(self, startup: asyncio.Future[str], error: OSError | ValueError) -> bool:
        cause = error.strerror if isinstance(error, OSError) else error
        reason = f"The worker's interpreter {self._settings.worker_python} cannot be run: {cause}."
        reason += " Set MLPACKAGE_WORKER_PYTHON or --worker-python."
        if startup.done():
            log.error("%s", reason)
        else:
            startup.set_result(reason)
        return False

    def _free(self, worker: Worker) -> None:
        """Give a worker the next requests whose clients still wait, as long as it has room."""
        self._ready.add(worker)
        room = worker.room
        while self._waiting and room > 0:
            job = self._waiting.popleft()
            if job.gone():
                job.fail(ClientGoneError())
            else:
                worker.send(job)
                room -= 1

    def _lose(self, worker: Worker, not_begun: Sequence[Job]) -> None:
        """Forget a worker that has ended, and put the requests that it had not begun at the head of the queue."""
        self._ready.discard(worker)
        self._waiting.extendleft(reversed(not_begun))
        for other in [ready for ready in self._ready if ready.is_idle]:
            self._free(other)

    def _give_up_waiting(self, reason: str) -> None:
        log.error("%s", reason)
        self._failing = True
        if self._ready:
            return
        while self._waiting:
            self._waiting.popleft().fail(Unavailable("No worker is ready."))


def _log_failure(slot: asyncio.Task[None]) -> None:
    """Log an error of our own, after which nothing replaces the worker."""
    if not slot.cancelled() and slot.exception() is not None:
        log.critical("An internal error stopped the replacement of a worker", exc_info=slot.exception())
