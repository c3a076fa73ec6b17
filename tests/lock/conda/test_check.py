"""Checking a conda lock against what is asked for."""

from __future__ import annotations

from dataclasses import replace

from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.check import check_conda_lock
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.pins.check import LockState

ASKED = ("python 3.12.*", "conda-forge::greeting", "gpu")


def test_a_lock_of_another_tool(asking, lock):
    """The packages of another tool's lock are taken without solving and without a channel."""
    line = f"https://channel.example/noarch/tzdata-2024a-0.conda#{'b' * 32}"
    asked = asking(channel=None, file=CondaFile(path="x.lock", kind="locked", specs=(Line(2, line),)))
    text = lock(asked)

    assert text.splitlines()[2:] == ["# platform: linux-64", "@EXPLICIT", line]
    assert check_conda_lock(text, asked) == LockState(status="fresh")
    other = replace(asked, file=replace(asked.file, specs=(Line(2, line), Line(3, line.replace("tzdata", "x")))))
    assert check_conda_lock(text, other) == LockState(status="stale", reasons=("x.lock:3 is not in it",))


def test_states(asking, lock):
    """A lock is fresh, satisfied, stale, for another image, damaged or missing, each with its reasons."""
    asked = asking(*ASKED)
    text = lock(asked)

    assert check_conda_lock(None, asked) == LockState(status="missing")
    assert check_conda_lock(text.replace("\n", "\r\n"), asked) == LockState(status="fresh")
    assert check_conda_lock(text, asking("greeting >=1", "gpu * cpu")) == LockState(status="satisfied")
    assert check_conda_lock(text, asking("greeting >1", "gpu * cuda*", "flask")) == LockState(
        status="stale",
        reasons=(
            "greeting >1 is asked for, the lock has greeting 1.0",
            "gpu * cuda* is asked for, the lock has gpu 1",
            "flask is asked for, the lock has no flask",
        ),
    )
    assert check_conda_lock(text, asking(*ASKED, channel=None)) == LockState(
        status="stale", reasons=("its packages do not come from conda-channel",)
    )
    assert check_conda_lock(text, asking(*ASKED, libc="manylinux_2_31")) == LockState(
        status="other-target", reasons=("its wheels may need manylinux_2_36, the image has manylinux_2_31",)
    )
    assert check_conda_lock(text.replace("gpu-1", "gpu-2"), asked) == LockState(
        status="damaged", reasons=("it was edited by hand, or cut short, after it was written",)
    )
    assert check_conda_lock(text.replace("@EXPLICIT", "<<<<<<< HEAD"), asked) == LockState(
        status="damaged", reasons=("line 8 is a merge-conflict marker",)
    )
    assert check_conda_lock(f"{text}numpy=1.2\n", asked).reasons == (
        "line 13 is not a locked conda package: `numpy=1.2`",
    )
