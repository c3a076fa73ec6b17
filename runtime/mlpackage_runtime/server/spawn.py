"""Start the process of a worker, and kill it together with the processes that it has started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from typing import Mapping

RUNTIME_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Workers:
    """The processes that the event loop waits for."""

    def __init__(self) -> None:
        self.pids: set[int] = set()
        self.starting = 0  # processes whose id is not known yet


workers = Workers()


async def spawn(python: str, environment: Mapping[str, str], *fds: int) -> tuple[Process, socket.socket]:
    """Start a worker's process with inherited `fds`, and return it with our end of the socket between us."""
    ours, theirs = socket.socketpair()
    with theirs:
        inherited = (theirs.fileno(), *fds)
        workers.starting += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *(python, RUNTIME_FOLDER, "work", *map(str, inherited)),
                stdin=DEVNULL,
                env=environment,
                pass_fds=inherited,
                start_new_session=True,  # a kill reaches what the script started; Ctrl-C reaches us alone
            )
            workers.pids.add(process.pid)
        finally:
            workers.starting -= 1
    return process, ours


async def ended(process: Process) -> int:
    """Wait for a worker's process and return its exit status, negative for a signal."""
    status = await process.wait()
    workers.pids.discard(process.pid)
    return status


def kill(pid: int) -> None:
    """Kill a worker's process and everything that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
