"""Start the process of a worker, and kill it together with the processes that it has started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from typing import Mapping, NamedTuple

RUNTIME_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Sockets(NamedTuple):
    """The sockets to a worker: one for frames, one for the files in memory that hold large bodies."""

    frames: socket.socket
    files: socket.socket


class Workers:
    """The processes that the event loop waits for."""

    def __init__(self) -> None:
        self.pids: set[int] = set()
        self.starting = 0  # processes whose id is not known yet


workers = Workers()


async def spawn(python: str, environment: Mapping[str, str]) -> tuple[Process, Sockets]:
    """Start a worker's process and return it with the server's ends of the sockets between them."""
    ours, theirs = zip(socket.socketpair(), socket.socketpair())
    with theirs[0], theirs[1]:
        fds = [end.fileno() for end in theirs]
        workers.starting += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *(python, RUNTIME_FOLDER, "work", *map(str, fds)),
                stdin=DEVNULL,
                env=environment,
                pass_fds=fds,
                start_new_session=True,  # a kill reaches what the script started; Ctrl-C reaches us alone
            )
            workers.pids.add(process.pid)
        finally:
            workers.starting -= 1
    return process, Sockets(*ours)


async def ended(process: Process) -> int:
    """Wait for a worker's process and return its exit status, negative for a signal."""
    status = await process.wait()
    workers.pids.discard(process.pid)
    return status


def kill(pid: int) -> None:
    """Kill a worker's process and everything that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
