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


async def spawn(python: str, environment: Mapping[str, str]) -> tuple[Process, socket.socket]:
    """Start a worker's process and return it with the server's end of the socket between them."""
    ours, theirs = socket.socketpair()
    with theirs:
        fd = theirs.fileno()
        process = await asyncio.create_subprocess_exec(
            *(python, RUNTIME_FOLDER, "work", str(fd)),
            stdin=DEVNULL,
            env=environment,
            pass_fds=(fd,),
            start_new_session=True,  # a kill reaches what the script started; Ctrl-C reaches us alone
        )
    return process, ours


def kill(pid: int) -> None:
    """Kill a worker's process and everything that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
