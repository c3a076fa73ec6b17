"""Time whole processes in turn, so that a machine of drifting speed slows them alike; judge medians and ratios."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Hold a finished process: wall-clock seconds, and the peak memory of its largest process in MiB."""

    seconds: float
    peak: float


Runs = dict[str, list[Run]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """Hold a figure and the least and most that it may be, in the unit that `says` names."""

    says: str
    found: float
    least: float = 0
    most: float = math.inf

    @property
    def is_kept(self) -> bool:
        """Return whether the figure is within its limits; one that could not be measured, NaN, is not."""
        return self.least <= self.found <= self.most


def run(command: Sequence[str], cwd: Path) -> Run:
    """Run a command to its end; raise CalledProcessError if it fails."""
    # Python compiles installed modules once, unless this variable makes every run compile them anew.
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
    """Run the commands in turn after one warm-up round; call `before` before each run, outside the measured time."""
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
    """Return the fastest run, for absolute limits: other work on the machine only ever adds time."""
    return min(run.seconds for run in runs[name])


def peak(runs: Runs, name: str) -> float:
    return max(run.peak for run in runs[name])


def ratio(runs: Runs, name: str, *, against: str) -> float:
    return statistics.median(_ratios(runs, name, against))


def _ratios(runs: Runs, name: str, against: str) -> list[float]:
    return [run.seconds / other.seconds for run, other in zip(runs[name], runs[against], strict=True)]


def judge(limits: Iterable[Limit]) -> int:
    """Print how each figure compares with its limit; return 1, as an exit status, if one is missed."""
    missed = 0
    print()
    for limit in limits:
        missed |= not limit.is_kept
        bound = f"at least {limit.least:g}" if limit.least else f"at most {limit.most:g}"
        print(f"{'kept' if limit.is_kept else 'missed':7} {limit.says}: {limit.found:.2f}, {bound}")
    return missed
