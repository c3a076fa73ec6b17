"""Run a program in the background, where it outlives us; later processes can tell whether it runs, and end it.

The program holds a lock on its claim file for as long as it lives. A process number would not do: the system gives it
to another program some day.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from hatch_mlpackage.files.read import file_bytes, open_file

_PAUSE = 0.05  # seconds between checks
_LOOKED_AT = 0.5  # seconds; `is_running` takes the lock for a moment, even when no program runs
_GRACE = 30.0  # seconds, in which a server finishes the requests that it accepted
# The shell ends at once: the program then has no parent that would have to wait for it.
_START = 'log="$1"; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


def run_in_background(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, claim: Path
) -> None:
    """Start a program and append its output to `log`.

    Raises BlockingIOError while a program that was started with this claim still runs.
    """
    with claim.open("a+b") as held:
        _take(held)
        started = subprocess.run(
            ["/bin/sh", "-c", _START, "sh", str(log), *command],
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            pass_fds=(held.fileno(),),
            start_new_session=True,
            check=True,
        )
        held.truncate(0)
        held.write(started.stdout)


def _take(held: IO[bytes]) -> None:
    """Lock a claim file, and wait for a moment if another process is just checking it."""
    import fcntl  # noqa: PLC0415 - POSIX only

    deadline = time.monotonic() + _LOOKED_AT
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def is_running(claim: Path) -> bool:
    """Tell whether a program that was started with this claim still runs."""
    import fcntl  # noqa: PLC0415 - POSIX only

    try:
        with open_file(claim) as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def end(claim: Path, grace: float = _GRACE) -> None:
    """Ask the program to end, and kill it after `grace` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + grace
        if is_running(claim):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file_bytes(claim)), number)
        while is_running(claim) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
