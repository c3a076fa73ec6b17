"""Interrupt `mlpackage new` at every stage: it leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PATIENCE = 60
TRIES = 50
MANY = 3000  # files of a model, which take a while to copy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Make a model of many files."""
    saved = tmp_path / "saved"
    saved.mkdir()
    for number in range(MANY):
        (saved / f"{number}.bin").write_bytes(b"weights")
    return saved


def until(stage: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not stage():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.0005)


def stopped_at(stage: Callable[[], object], begin: Callable[[], subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Start the program and stop it at a stage; where it was faster than the look at it, start it again."""
    for _ in range(TRIES):
        process = begin()
        while process.poll() is None and not stage():
            time.sleep(0.0005)
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)  # not its hooks: it would wait for one that has just been forked
            how = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if how and how.si_code == os.CLD_STOPPED and stage():
                return process
            process.send_signal(signal.SIGCONT)
        end(process)
        for path in Path.cwd().iterdir():
            shutil.rmtree(path)
    raise AssertionError("never stopped there")


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err.strip()


NUMBERS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
SAID = {signal.SIGINT: "Interrupted.", signal.SIGTERM: "", signal.SIGHUP: ""}


@NUMBERS
@pytest.mark.parametrize("stage", ["*", "*/my-model", "*/my-model/src/*", "*/my-model/tests/*"])
def test_while_the_template_is_baked(folder, start, number, stage):
    """A signal that arrives while files are made ends the program after them, and they are removed."""
    process = stopped_at(
        lambda: next(folder.glob(stage), None) and not (folder / "my-model").exists(),
        lambda: start("new", "--no-input", "--no-lock", start_new_session=True),
    )

    os.killpg(process.pid, number)  # a terminal sends Ctrl-C to the programs of the template's hooks, too
    process.send_signal(signal.SIGCONT)

    assert end(process) == (128 + number, SAID[number])
    assert list(folder.iterdir()) == []


@NUMBERS
@pytest.mark.parametrize("times", [1, 3])
def test_while_the_model_is_copied(folder, start, model, number, times):
    """A signal that arrives while the model is copied removes the copy; an impatient person does not stop that."""
    flags = ("--model", model, "--framework", "pytorch", "--features", "2")
    process = start("new", "net", *flags, "--no-input", "--no-lock")
    until(lambda: next(folder.glob("*/net/models/saved/1*"), None), process)

    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.01)

    assert end(process)[0] in {128 + number, -number}
    assert list(folder.iterdir()) == []


@NUMBERS
def test_while_it_locks(folder, start, index, clean_machine, number):
    """A signal that arrives while an index keeps the lock waiting removes the project, which nobody has seen yet."""
    index.hang.set()
    clean_machine.setenv("UV_DEFAULT_INDEX", index.url)
    process = start("new", "--no-input")
    until(lambda: index.asked, process)

    process.send_signal(number)

    status, err = end(process)
    assert (status, "Traceback" in err, "Not locked" in err) == (128 + number, False, False)
    assert list(folder.iterdir()) == []


@NUMBERS
@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2, 0.4])
def test_while_it_starts(folder, start, number, seconds):
    """A signal in the first moments leaves nothing, or all if the project was complete."""
    process = start("new", "--no-input", "--no-lock")
    time.sleep(seconds)

    process.send_signal(number)

    status, _ = end(process)
    left = [path.name for path in folder.iterdir()]
    assert left in ([], ["my-model"])
    assert left or status != 0
    assert not left or (folder / "my-model/tests/test_score.py").is_file()


def test_after_a_kill(folder, start, mlpackage):
    """What a killed run had to leave, the next run for the same name removes."""
    process = stopped_at(
        lambda: next(folder.glob("*/my-model/src"), None),
        lambda: start("new", "--no-input", "--no-lock", start_new_session=True),
    )
    process.kill()
    end(process)
    assert [path.name[:10] for path in folder.iterdir()] == [".my-model."]

    assert mlpackage("new", "--no-input", "--no-lock").status == 0
    assert [path.name for path in folder.iterdir()] == ["my-model"]
