"""Look at trees of processes by /proc: their members, memory and processor time; stop them by their ids."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Hold MiB: the resident memory of all processes, the same with shared pages once, and that of the first one."""

    resident: float
    proportional: float
    first: float


def free_ports(count: int) -> list[int]:
    """Return loopback ports on which nothing listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name; [] if the process has ended."""
    try:
        return (PROC / f"{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def members(leader: int) -> list[int]:
    """Return the ids of the processes of a session and of their descendants, which may have sessions of their own."""
    fields = {pid: stat(pid) for pid in sorted(int(path.name) for path in PROC.iterdir() if path.name.isdecimal())}
    living = {pid: (int(found[1]), int(found[3])) for pid, found in fields.items() if found and found[0] != "Z"}
    chosen = {pid for pid, (_, session) in living.items() if session == leader}
    more = chosen
    while more:
        more = {pid for pid, (parent, _) in living.items() if parent in more} - chosen
        chosen = chosen | more
    return sorted(chosen)


def processor_seconds(leader: int) -> float:
    """Return the processor time that the processes of a tree have taken."""
    found = [fields for fields in map(stat, members(leader)) if fields]
    return sum(int(fields[11]) + int(fields[12]) for fields in found) / TICKS


def busy_seconds() -> float:
    """Return the processor time that the whole machine has taken, time taken by its host included."""
    user, nice, system, _idle, _wait, *rest = (
        int(value) for value in (PROC / "stat").read_text(encoding="utf-8").splitlines()[0].split()[1:9]
    )
    return (user + nice + system + sum(rest)) / TICKS


def memory(leader: int) -> Memory:
    """Weigh a tree of processes."""
    weights = [sizes(pid) for pid in members(leader)]
    return Memory(
        resident=sum(weight.get("Rss", 0) for weight in weights),
        proportional=sum(weight.get("Pss", 0) for weight in weights),
        first=sizes(leader).get("Rss", 0),
    )


def sizes(pid: int) -> dict[str, float]:
    """Return the sizes of a process in MiB, by their names in /proc/PID/smaps_rollup; {} if it has ended."""
    try:
        text = (PROC / f"{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return {}
    return {name: int(kib) / 1024 for name, kib in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}


def stop(process: subprocess.Popen[bytes], patience: float = 2) -> None:
    """End a process and all that it started, each by its id: first kindly, then for certain."""
    started = members(process.pid)
    for pid in started:
        kill(pid, signal.SIGCONT)
    kill(process.pid, signal.SIGTERM)
    wait_for_end(process, started, patience)
    left = sorted({*alive(started), *members(process.pid)})
    for pid in left:
        kill(pid, signal.SIGKILL)
    wait_for_end(process, left, patience=10)
    process.wait()


def wait_for_end(process: subprocess.Popen[bytes], pids: list[int], patience: float) -> None:
    end = time.monotonic() + patience
    while alive(pids) and time.monotonic() < end:
        process.poll()
        time.sleep(0.02)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if (fields := stat(pid)) and fields[0] != "Z"]


def kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
