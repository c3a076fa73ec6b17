"""Start the processes of workers, before the event loop or in it, and kill them with what they have started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections import deque
from typing import Deque, Mapping, NamedTuple

from mlpackage_runtime import frames
from mlpackage_runtime.server.settings import Settings

RUNTIME_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Spawned(NamedTuple):
    """The process of a worker, and the server's end of the socket between them."""

    process: subprocess.Popen[bytes]
    ours: socket.socket


class Workers:
    """The processes of all workers, and those among them that nobody has asked for yet."""

    def __init__(self) -> None:
        self.running: dict[int, subprocess.Popen[bytes]] = {}  # by process id
        self.early: Deque[Spawned] = deque()


workers = Workers()


def spawn_early(settings: Settings, environment: Mapping[str, str]) -> None:
    """Start as many workers as there are to be; spawn() hands them out, and reports what keeps them from starting."""
    with contextlib.suppress(OSError, ValueError):
        while len(workers.early) < settings.worker_count:
            workers.early.append(_spawned(settings, environment))


def spawn(settings: Settings, environment: Mapping[str, str]) -> Spawned:
    """Return a new worker, to which its settings are on their way; raises OSError or ValueError."""
    return workers.early.popleft() if workers.early else _spawned(settings, environment)


def _spawned(settings: Settings, environment: Mapping[str, str]) -> Spawned:
    ours, theirs = socket.socketpair()
    with theirs, contextlib.ExitStack() as unless_started:
        unless_started.callback(ours.close)
        process = subprocess.Popen(
            [settings.worker_python, RUNTIME_FOLDER, "work", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # a kill reaches what the script started; Ctrl-C reaches us alone
        )
        workers.running[process.pid] = process
        unless_started.pop_all()
        frames.send(ours.sendall, frames.START, (), settings.start_frame())
    return Spawned(process, ours)


def kill(pid: int) -> None:
    """Kill a worker's process and everything that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
