"""Tune how the C library of the server's process allocates memory."""

from __future__ import annotations

import contextlib
import ctypes
import os

from mlpackage_runtime.memory_files import LEAST

OWN = frozenset(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"))
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # parameters of mallopt()


def keep_freed_memory() -> None:
    """Keep a few MiB that are freed, because bodies that are smaller than files, and the parts of all, come and go.

    By default, glibc gives the memory back to the system, and gets it again page by page, which takes longer than all
    copies of the bytes. Other C libraries do not have the parameters. Those of the user's environment win.
    """
    if not OWN.isdisjoint(os.environ):
        return
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 2 * LEAST)
        mallopt(M_MMAP_THRESHOLD, LEAST)
