"""Tie a process to its parent, and orphans to their ancestor, where the kernel can: on Linux."""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when its parent has ended, whatever the process is doing then."""
    _prctl(PR_SET_PDEATHSIG, number)


def end_with(parent: str) -> bool:
    """Stop, as SIGTERM does, when the process with this id has ended; return False where it already has."""
    if parent:
        end_with_parent(signal.SIGTERM)
    return parent in {"", str(os.getppid())}


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind when they end."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    try:
        import ctypes
    except ImportError:  # an interpreter without libffi; a worker without it still ends with its next read
        return
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
