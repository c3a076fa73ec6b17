"""Run another program in the foreground: it shares our terminal, gives us its exit status and ends when we do."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_SIGNALLED = 128  # shells add this to the number of the signal that ended a program
_GRACE = 30.0  # seconds, in which a server finishes the requests that it accepted


def run_in_foreground(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: IO[bytes] | None = None,
    timeout: float | None = None,
) -> int:
    """Run a program to its end and return its exit status, which is 128 + N if signal N ended it.

    Its output goes to our terminal, or to `output`. Whatever interrupts us (Ctrl-C, or SIGTERM turned into SystemExit)
    stops the program first. Raises OSError when the program cannot be started, and TimeoutError when it runs for longer
    than `timeout` seconds.
    """
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output) as process:
        try:
            return shell_status(process.wait(timeout))
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        finally:
            stop(process, _GRACE if timeout is None else timeout)


def stop(process: subprocess.Popen[Any], grace: float = _GRACE) -> int:
    """Ask a program to end, kill it after `grace` seconds or at a second Ctrl-C, and return its exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
    return shell_status(process.wait())


def shell_status(returncode: int) -> int:
    """Convert Popen's -N for signal N to the 128 + N that shells report."""
    return returncode if returncode >= 0 else _SIGNALLED - returncode
