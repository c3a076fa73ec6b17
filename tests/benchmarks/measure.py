"""Time whole processes in turn, so that a machine whose speed drifts slows them alike; quote medians and ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One finished process: wall-clock seconds, and the peak memory of its largest process in MiB."""

    seconds: float
    peak: float


def run(command: Sequence[str], cwd: Path) -> Run:
    """Run a command to its end; raises CalledProcessError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(seconds=seconds, peak=usage.ru_maxrss / 1024)


def compare(
    commands: Mapping[str, Sequence[str]], cwd: Path, *, rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, list[Run]]:
    """Run the commands in turn, one warm-up round first; `before` is called before each run and not timed."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            before()
            measured = run(command, cwd)
            if number:
                runs[name].append(measured)
    return runs


def report(runs: Mapping[str, list[Run]], *, against: str) -> None:
    """Print the median of each command, and its ratio to the reference, round by round."""
    for name, measured in runs.items():
        seconds = statistics.median(run.seconds for run in measured)
        peak = max(run.peak for run in measured)
        ratios = [run.seconds / other.seconds for run, other in zip(measured, runs[against], strict=True)]
        print(
            f"{name:32} {seconds:8.3f} s  {peak:7.1f} MiB peak  "
            f"{statistics.median(ratios):5.2f} x {against} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
