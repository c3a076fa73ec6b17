"""Run another program in the foreground: our terminal, its exit status, and an end with ours."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_SIGNALLED = 128  # what shells add to the number of the signal that ended a program
_GRACE = 30.0  # seconds; a server finishes the requests it accepted


def run_in_foreground(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: IO[bytes] | None = None,
) -> int:
    """Run a program to its end and return its exit status, 128 + N when signal N ended it.

    What it says goes to our terminal, or to `output`.

    Whatever interrupts us (Ctrl-C, SIGTERM turned into SystemExit) first stops the program. Raises OSError when the
    program cannot be started.
    """
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output) as process:
        try:
            return shell_status(process.wait())
        finally:
            stop(process)


def stop(process: subprocess.Popen[Any], grace: float = _GRACE) -> int:
    """Ask a program to end, make it end after `grace` seconds or a second Ctrl-C, and return its exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
    return shell_status(process.wait())


def shell_status(returncode: int) -> int:
    """Turn Popen's -N for signal N into the 128 + N that shells report."""
    return returncode if returncode >= 0 else _SIGNALLED - returncode
