"""Reap the processes that end: workers, and what scripts leave behind, which nobody else does in a container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Iterator

from mlpackage_runtime.server.spawn import workers


@contextlib.contextmanager
def reaping() -> Iterator[None]:
    """Reap as long as the block runs, in the event loop, whenever the kernel says that a process has ended."""
    loop = asyncio.get_running_loop()
    before = signal.signal(signal.SIGCHLD, lambda number, frame: loop.call_soon_threadsafe(_reap))
    _reap()
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


def _reap() -> None:
    for process in workers.running.values():
        process.note_end()
    with contextlib.suppress(ChildProcessError):
        _reap_orphans()


def _reap_orphans() -> None:
    while hasattr(os, "waitid"):  # macOS has it since Python 3.13, and no orphans come to us there
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid in workers.running:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)
