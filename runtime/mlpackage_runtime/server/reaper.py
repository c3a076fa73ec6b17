"""Reap the processes that scripts leave behind, which nobody else does in a container."""

from __future__ import annotations

import asyncio
import contextlib
import os

from mlpackage_runtime.server.spawn import workers

INTERVAL = 1.0  # seconds


async def reap_orphans() -> None:
    """Reap for as long as the server runs; the event loop reaps the workers themselves."""
    while hasattr(os, "waitid"):  # macOS has it since Python 3.13, and no orphans come to us there
        await asyncio.sleep(INTERVAL)
        with contextlib.suppress(ChildProcessError):
            _reap()


def _reap() -> None:
    while not workers.starting:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid in workers.pids:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)
