"""Limit the memory of the worker, so that a request that needs too much ends the request or the worker alone."""

import resource
from typing import Tuple

PAGE = resource.getpagesize()


def limit(size: int) -> None:
    """Let the process grow to `size` bytes of resident memory, if `size` is not 0. Works on Linux.

    The kernel counts what a process has reserved for writing, which threads and libraries do in advance. So the limit
    is that amount at the time of the call, plus what is left of `size`: where a script has grown, call it again.
    """
    if not size:
        return
    try:
        reserved, resident = _reserved_and_resident()
    except OSError:
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = reserved + max(size - resident, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _reserved_and_resident() -> Tuple[int, int]:
    with open("/proc/self/statm", encoding="ascii") as file:
        _, resident, shared, _, _, data, _ = map(int, file.read().split())
    return data * PAGE, (resident - shared) * PAGE
