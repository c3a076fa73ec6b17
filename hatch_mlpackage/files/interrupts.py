"""Let Ctrl-C and the signals that end a program wait until something short is done."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold signals back, from this thread and from the processes that it starts, and take them at the end.

    Where the system cannot hold them back, as Windows, they act at once.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {getattr(signal, name) for name in _ENDING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
