"""Start the processes of workers, before the event loop or in it, and kill them with what they have started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections import deque
from typing import TYPE_CHECKING, Deque, Mapping, NamedTuple

from mlpackage_runtime import frames
from mlpackage_runtime.progress import Progress, shared_memory

if TYPE_CHECKING:
    import asyncio

RUNTIME_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Process:
    """The process of a worker."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self._end: asyncio.Future[int] | None = None

    async def wait(self) -> int:
        """Wait for the end of the process, and return its exit status, negative for a signal."""
        import asyncio  # which the first workers need not wait for

        status = self._process.poll()
        if status is None:
            self._end = asyncio.get_running_loop().create_future()
            status = await self._end
        return status

    def note_end(self) -> None:
        """Wake whoever waits, if the process has ended."""
        status = self._process.poll()
        if status is not None and self._end is not None and not self._end.done():
            self._end.set_result(status)


class Workers:
    """The processes of all workers, and those among them that nobody has asked for yet."""

    def __init__(self) -> None:
        self.running: dict[int, Process] = {}  # by their ids
        self.early: Deque[Started] = deque()


workers = Workers()


class Started(NamedTuple):
    """A worker's process, our ends of the sockets to it (its settings are on their way), and what it notes.

    One socket is for frames, the other for the files in memory that hold large bodies.
    """

    process: Process
    frames: socket.socket
    files: socket.socket
    progress: Progress


def spawn_early(python: str, environment: Mapping[str, str], start: bytes, count: int) -> None:
    """Start processes that spawn() then hands out; where none can be started, spawn() fails too, and reports why."""
    with contextlib.suppress(OSError, ValueError):
        while len(workers.early) < count:
            workers.early.append(_spawned(python, environment, start))


def spawn(python: str, environment: Mapping[str, str], start: bytes) -> Started:
    """Return a worker's process. Raises OSError or ValueError where the interpreter cannot be run."""
    return workers.early.popleft() if workers.early else _spawned(python, environment, start)


def _spawned(python: str, environment: Mapping[str, str], start: bytes) -> Started:
    ours, theirs = zip(socket.socketpair(), socket.socketpair())
    with theirs[0], theirs[1], shared_memory() as memory, contextlib.ExitStack() as unless_started:
        for end in ours:
            unless_started.callback(end.close)
        fds = [end.fileno() for end in (*theirs, memory)]
        process = subprocess.Popen(
            [python, RUNTIME_FOLDER, "work", *map(str, fds)],
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=fds,
            start_new_session=True,  # a kill reaches what the script started; Ctrl-C reaches us alone
        )
        unless_started.pop_all()
        workers.running[process.pid] = started = Process(process)
        frames.send(ours[0].sendall, frames.START, (), start)
        return Started(started, *ours, Progress(memory.fileno()))


async def ended(process: Process) -> int:
    """Wait for a worker's process and return its exit status, negative for a signal."""
    status = await process.wait()
    workers.running.pop(process.pid, None)
    return status


def kill(pid: int) -> None:
    """Kill a worker's process and everything that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
