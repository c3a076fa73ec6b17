"""Run a program in the background: it outlives us, and whoever comes later can tell whether it runs, and end it.

The program holds a lock on its claim file for as long as it lives: unlike the number of a process, which the system
gives to another program some day, that cannot be mistaken.
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

_PAUSE = 0.05  # seconds between looks
_LOOKED_AT = 0.5  # seconds that a claim may be taken though nothing runs
_GRACE = 30.0  # seconds; a server finishes the requests it accepted
# The shell starts the program and leaves at once: so it is nobody's child, and nobody has to wait for it.
_START = 'log="$1"; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


def run_in_background(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, claim: Path
) -> None:
    """Start a program whose output is appended to `log`.

    Raises BlockingIOError while the program that was started with this claim runs.
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
    """Lock a claim; whoever only looks whether a program runs has it for a moment."""
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
    """Tell whether the program that was started with this claim still runs."""
    import fcntl  # noqa: PLC0415 - POSIX only

    try:
        with claim.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def end(claim: Path, grace: float = _GRACE) -> None:
    """Ask the program to end, and make it end after `grace` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + grace
        if is_running(claim):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(claim.read_bytes()), number)
        while is_running(claim) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
