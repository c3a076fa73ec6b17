"""Lock what a process is writing, so that others can tell whether its writer still lives."""

from __future__ import annotations


def lock(descriptor: int) -> bool:
    """Lock an open file or folder, and tell whether that was possible."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX only

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
