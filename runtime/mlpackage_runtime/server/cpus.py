"""Give each worker's numeric libraries as many threads as there are processors for it.

Those libraries start a thread for each processor of the machine, whatever part of it the container may use, and in
each worker. More threads than processors wait for each other.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import Iterator, Mapping, NamedTuple

# OpenMP reads the first, and so do NumExpr and BLIS; OpenBLAS and MKL prefer their own.
SET = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CHOSEN = (*SET, "BLIS_NUM_THREADS", "GOTO_NUM_THREADS", "NUMEXPR_NUM_THREADS")  # with any of them the user has chosen
PROC = "/proc/self"


class Processors(NamedTuple):
    """The processors that this process may run on, and how many of them its time is worth."""

    visible: int
    usable: float


class Mount(NamedTuple):
    """A mounted hierarchy of control groups: the group at its root, its folder, and its kind and options."""

    root: str
    folder: str
    kind: str
    options: str


def thread_variables(environ: Mapping[str, str], workers: int, processors: Processors) -> dict[str, str]:
    """Return the variables to set for the workers; none where the user has chosen, or they would change nothing."""
    threads = max(1, int(processors.usable // workers))
    if threads >= processors.visible or any(environ.get(name) for name in CHOSEN):
        return {}
    return dict.fromkeys(SET, str(threads))


def processors(proc: str = PROC) -> Processors:
    """Return what the kernel allows this process, by its affinity and by the quotas of its control groups."""
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Processors(visible, min([visible, *_quotas(proc)]))


def _quotas(proc: str) -> Iterator[float]:
    """Yield the quota of each control group that this process is in, and of those above; none of a damaged file."""
    mounts = list(_mounts(proc))
    for line in _text(f"{proc}/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            for folder in _folders(group, [mount for mount in mounts if mount.kind == "cgroup2"]):
                yield from _share(_text(f"{folder}/cpu.max"))
        elif "cpu" in controllers.split(","):
            of_cpu = [mount for mount in mounts if mount.kind == "cgroup" and "cpu" in mount.options.split(",")]
            for folder in _folders(group, of_cpu):
                yield from _share(f"{_text(f'{folder}/cpu.cfs_quota_us')} {_text(f'{folder}/cpu.cfs_period_us')}")


def _mounts(proc: str) -> Iterator[Mount]:
    for line in _text(f"{proc}/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        with contextlib.suppress(IndexError):
            yield Mount(_unescaped(fields[3]), _unescaped(fields[4]), kinds[0], kinds[2])


def _folders(group: str, mounts: list[Mount]) -> Iterator[str]:
    """Yield the folder of a group, where it is mounted, and those of all groups above it."""
    for root, folder, *_ in mounts:
        inside = f"{group}/".startswith(f"{root.rstrip('/')}/")
        # A container may see the name that its group has outside, and the group itself as the root.
        names = group[len(root.rstrip("/")) :].strip("/").split("/") if inside else [""]
        for length in range(len(names), -1, -1):
            yield "/".join([folder, *names[:length]])


def _share(text: str) -> Iterator[float]:
    """Yield how many processors a quota and its period are worth; nothing where there is no limit."""
    words = text.split()
    if len(words) == 2 and all(re.fullmatch("[0-9]{1,18}", word) for word in words):  # noqa: PLR2004
        quota, period = map(int, words)
        if quota and period:
            yield quota / period


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def _unescaped(field: str) -> str:
    """Return a path as it is: spaces and the like stand in octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), field)
