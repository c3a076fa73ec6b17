from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from hatch_mlpackage.files.run_background import end, is_running, run_in_background

WAITS = "import sys, time; print('begun', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


@pytest.fixture
def begin(tmp_path):
    """Give a function that starts Python code and returns its log and claim; it is ended afterwards."""
    claim, log = tmp_path / "claim", tmp_path / "log"

    def start(code):
        run_in_background([sys.executable, "-c", code], environment=os.environ, folder=tmp_path, log=log, claim=claim)
        return log, claim

    yield start
    end(claim, 0.1)


def wait_for_text(log, text):
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def test_a_program_that_runs(begin):
    """A background program writes to its log, holds its claim and is no child of this process."""
    log, claim = begin(WAITS)
    wait_for_text(log, "begun\n")

    assert is_running(claim)
    with pytest.raises(ChildProcessError):
        os.waitpid(int(claim.read_bytes()), os.WNOHANG)


def test_one_program_for_a_claim(begin):
    """A second program for the same claim is refused, and the claim still names the first."""
    _, claim = begin(WAITS)
    first = claim.read_bytes()

    with pytest.raises(BlockingIOError):
        begin(WAITS)

    assert claim.read_bytes() == first


@pytest.mark.parametrize(("code", "grace"), [(WAITS, 20), (DEAF, 0.2)], ids=["asked", "made"])
def test_an_end(begin, code, grace):
    """A program is asked to end, and is killed if it does not."""
    log, claim = begin(code)
    wait_for_text(log, "begun\n")

    end(claim, grace)

    assert not is_running(claim)
    begin("print('again')")
    wait_for_text(log, "again\n")


def test_a_look_keeps_nothing_from_starting(begin, tmp_path):
    """A program starts while other threads keep checking whether it runs."""
    claim = tmp_path / "claim"
    claim.touch()
    looking = threading.Event()

    def look():
        while not looking.is_set():
            is_running(claim)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        begin(WAITS)
        assert is_running(claim)
    finally:
        looking.set()
        for looker in lookers:
            looker.join()


def test_no_program(tmp_path):
    """A program that never started or has ended does not run, and ending it does nothing."""
    (tmp_path / "old").write_text("1\n")

    for claim in (tmp_path / "never", tmp_path / "old"):
        end(claim)
        assert not is_running(claim)
