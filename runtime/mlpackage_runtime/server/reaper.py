"""Reap the processes that end: workers, and what scripts leave behind, which nobody else does in a container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from subprocess import Popen
from typing import Iterator

from mlpackage_runtime.server.spawn import workers


class Reaper:
    """Looks for processes that have ended whenever the kernel says that there is one."""

    def __init__(self) -> None:
        self._ends: dict[int, asyncio.Future[int]] = {}  # by process id

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Reap as long as the block runs, in the event loop."""
        loop = asyncio.get_running_loop()
        before = signal.signal(signal.SIGCHLD, lambda number, frame: loop.call_soon_threadsafe(self._reap))
        self._reap()
        try:
            yield
        finally:
            signal.signal(signal.SIGCHLD, before)

    async def ended(self, process: Popen[bytes]) -> int:
        """Wait for a worker's process and return its exit status, negative for a signal."""
        status = process.poll()
        if status is None:
            self._ends[process.pid] = asyncio.get_running_loop().create_future()
            status = await self._ends[process.pid]
        workers.running.pop(process.pid, None)
        return status

    def _reap(self) -> None:
        for pid, process in workers.running.items():
            status = process.poll()
            if status is not None and pid in self._ends:
                end = self._ends.pop(pid)
                if not end.done():
                    end.set_result(status)
        with contextlib.suppress(ChildProcessError):
            _reap_orphans()


def _reap_orphans() -> None:
    while hasattr(os, "waitid"):  # macOS has it since Python 3.13, and no orphans come to us there
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid in workers.running:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)


reaper = Reaper()
