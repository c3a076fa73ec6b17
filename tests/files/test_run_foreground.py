from __future__ import annotations

import subprocess
import sys
import time

import pytest

from hatch_mlpackage.files.run_foreground import run_in_foreground, shell_status, stop

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"


@pytest.mark.parametrize(("returncode", "status"), [(0, 0), (3, 3), (-9, 137), (-2, 130)])
def test_shell_status(returncode, status):
    """A signal N that ended a program is reported as 128 + N, as shells do."""
    assert shell_status(returncode) == status


def test_run_in_foreground(tmp_path, capfd):
    """A program runs in the given folder and environment, shares the output and returns its exit status."""
    script = "import os, sys; print(os.getcwd(), os.environ['WORD']); sys.exit(5)"

    status = run_in_foreground([sys.executable, "-c", script], environment={"WORD": "yes"}, folder=tmp_path)

    assert (status, capfd.readouterr().out) == (5, f"{tmp_path} yes\n")


def test_a_program_that_takes_too_long():
    """A program that runs for longer than it may is stopped, even if it does not listen."""
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        run_in_foreground([sys.executable, "-c", STUBBORN], timeout=0.5)

    assert time.monotonic() - began < 30


def test_stop_asks_first():
    """A program that ends when asked is not killed."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        assert stop(process) == 128 + 15


def test_stop_kills_what_does_not_listen():
    """A program that ignores the request is killed after the grace period."""
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        began = time.monotonic()

        assert stop(process, grace=0.2) == 128 + 9
        assert time.monotonic() - began < 10


def test_stop_of_what_has_ended():
    """Stopping a program that is gone returns the exit status it ended with."""
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()

        assert stop(process) == 3
