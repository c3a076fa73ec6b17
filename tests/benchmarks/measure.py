"""Time whole processes in turn, so that a machine whose speed drifts slows them alike; judge medians and ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One finished process: wall-clock seconds, and the peak memory of its largest process in MiB."""

    seconds: float
    peak: float


Runs = dict[str, list[Run]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What a figure may be at most, in the unit that `says` names."""

    says: str
    found: float
    most: float


def run(command: Sequence[str], cwd: Path) -> Run:
    """Run a command to its end; raises CalledProcessError when it fails."""
    # What is installed is compiled once; a shell that forbids it would have every run compile everything anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(seconds=seconds, peak=usage.ru_maxrss / 1024)


def compare(
    commands: Mapping[str, Sequence[str]], cwd: Path, *, rounds: int, before: Callable[[], None] = lambda: None
) -> Runs:
    """Run the commands in turn, one warm-up round first; `before` is called before each run and not timed."""
    runs: Runs = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            before()
            measured = run(command, cwd)
            if number:
                runs[name].append(measured)
    return runs


def report(title: str, runs: Runs, *, against: str) -> None:
    """Print the median of each command, and its ratio to the reference, round by round."""
    print(f"\n{title} ({len(runs[against])} rounds)")
    for name in runs:
        ratios = _ratios(runs, name, against)
        print(
            f"{name:32} {seconds(runs, name):8.3f} s  {peak(runs, name):7.1f} MiB peak  "
            f"{statistics.median(ratios):5.2f} x {against} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def seconds(runs: Runs, name: str) -> float:
    return statistics.median(run.seconds for run in runs[name])


def fastest(runs: Runs, name: str) -> float:
    """Give what an absolute limit is judged by: other work on the machine only ever adds to it."""
    return min(run.seconds for run in runs[name])


def peak(runs: Runs, name: str) -> float:
    return max(run.peak for run in runs[name])


def ratio(runs: Runs, name: str, *, against: str) -> float:
    return statistics.median(_ratios(runs, name, against))


def _ratios(runs: Runs, name: str, against: str) -> list[float]:
    return [run.seconds / other.seconds for run, other in zip(runs[name], runs[against], strict=True)]


def judge(limits: Iterable[Limit]) -> int:
    """Print how each figure stands to its limit; return 1 where one is missed, as an exit status."""
    missed = 0
    print()
    for limit in limits:
        missed |= limit.found > limit.most
        verdict = "missed" if limit.found > limit.most else "kept"
        print(f"{verdict:7} {limit.says}: {limit.found:.2f}, at most {limit.most:g}")
    return missed
