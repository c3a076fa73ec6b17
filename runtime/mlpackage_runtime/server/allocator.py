"""Tune how the C library of the server's process allocates memory."""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # parameters of mallopt()
KEPT = 4 * 2**20


def keep_freed_memory() -> None:
    """Keep a few MiB that are freed, because the parts of a body come and go with each read.

    By default, glibc gives parts of 250 kB back to the system, and gets them again page by page, which takes longer
    than all copies of their bytes. Other C libraries do not have the parameters.
    """
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT // 4)
