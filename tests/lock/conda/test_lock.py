"""Solving for the image, and checking a conda lock."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.check import check_conda_lock, conda_packages_of
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.conda.make import make_conda_lock
from hatch_mlpackage.lock.pins.check import LockState
from hatch_mlpackage.project.target import Target

from ...conda_channel import CondaPackage, write_channel  # noqa: TID252 - not installed, so it has no other name

ASKED = ("python 3.12.*", "conda-forge::greeting", "gpu")


def lock(asked, previous=None, *, upgrade=False):
    return make_conda_lock(asked, previous=previous, upgrade=upgrade, report=lambda _: None)


def files(text: str) -> list[str]:
    return [package.file for package in conda_packages_of(text)]


def test_the_whole_lock(asking, channel):
    """The lock is explicit and hashed, dependencies first, and names no folder of this machine."""
    text = lock(asking(*ASKED))

    first, mark, *rest = text.splitlines()
    assert first == "# Locked for linux-64 from environment.yml by hatch-mlpackage; renew with: mlpackage lock"
    assert mark.startswith(
        "# mlpackage-lock: schema=1 python=3.12 platform=linux/amd64 libc=manylinux_2_36 inputs=sha256:"
    )
    order = files(text)
    licenses = [f"# license: {file.split('-')[0]} BSD-3-Clause" for file in order]
    assert rest[:6] == ["# platform: linux-64", *licenses, "@EXPLICIT"]
    assert {package.license for package in conda_packages_of(text)} == {"BSD-3-Clause"}
    assert sorted(order) == [
        "gpu-1-cpu.conda",
        "greeting-1.0-pyhd8_0.conda",
        "python-3.12.4-h_cpython.conda",
        "words-2.0-0.tar.bz2",
    ]
    assert order.index("words-2.0-0.tar.bz2") < order.index("python-3.12.4-h_cpython.conda")
    assert order.index("python-3.12.4-h_cpython.conda") < order.index("greeting-1.0-pyhd8_0.conda")
    digest = hashlib.sha256((channel / "linux-64/gpu-1-cpu.conda").read_bytes()).hexdigest()
    assert f"file:///opt/mlpackage/channel/linux-64/gpu-1-cpu.conda#sha256:{digest}" in rest
    assert str(channel) not in text


def test_the_same_again(asking):
    """Specs in another order, and solving again, give the same bytes."""
    assert {lock(asking(*order)) for order in (ASKED, ASKED, ASKED[::-1])} == {lock(asking(*ASKED))}


def test_the_image_and_not_this_machine_decides(asking):
    """The C library and CUDA of the image choose the packages."""
    assert "gpu-1-cuda120.conda" in files(lock(asking("gpu", cuda="12.4")))
    assert "python-3.12.5-h_cpython.conda" in files(lock(asking("python", libc="manylinux_2_41")))
    with pytest.raises(LockError) as refused:
        lock(asking("python ==3.12.5"))
    assert str(refused.value).startswith(
        "environment.yml cannot be solved for linux-64 (__unix=0, __linux=4.18, __glibc=2.36, __archspec=1):\n"
    )
    assert "__glibc >=2.40" in str(refused.value)


def test_another_architecture(asking, tmp_path):
    """An image for arm64 gets its own packages, solved on whatever machine."""
    packages = [
        CondaPackage(
            name="words", version="1.0", subdir=subdir, depends=("__archspec 1 aarch64",) * (subdir != "linux-64")
        )
        for subdir in ("linux-64", "linux-aarch64")
    ]
    channel = write_channel(
        tmp_path / "arm", (*packages, CondaPackage(name="python", version="3.12.1", subdir="linux-aarch64"))
    )
    target = Target(python="3.12", platform="linux/arm64", libc="manylinux_2_36")

    text = lock(asking("words", channel=channel, target=target))

    assert "# platform: linux-aarch64" in text.splitlines()
    assert {package.subdir for package in conda_packages_of(text)} == {"linux-aarch64"}


def test_python_is_that_of_the_image(asking):
    """A file that pins no Python gets the image's, and that is said."""
    asked = asking("words")

    assert "python-3.12.4-h_cpython.conda" in files(lock(asked))
    assert asked.notes == ("environment.yml: python is not pinned: the image's, 3.12, is asked for.",)


def test_what_was_locked_is_kept(asking):
    """An earlier choice stays until `--upgrade`, and a damaged lock is made anew."""
    old = lock(asking("python ==3.12.3"))

    assert "python-3.12.3-h_cpython.conda" in files(lock(asking("python"), old))
    assert "python-3.12.4-h_cpython.conda" in files(lock(asking("python"), old, upgrade=True))
    assert "python-3.12.4-h_cpython.conda" in files(lock(asking("python"), "x\n"))


def test_a_swapped_package(asking, channel):
    """A vendored file that is not what its index says is refused, before anything is locked."""
    (channel / "linux-64/gpu-1-cpu.conda").write_bytes(b"swapped")

    with pytest.raises(LockError, match="the vendored package is not the one that was asked for: its sha256 should"):
        lock(asking("gpu"))


def test_a_channel_that_cannot_be_read(asking, channel):
    """A folder without an index, and a server that does not answer, are told apart."""
    (channel / "noarch/repodata.json").unlink()
    with pytest.raises(LockError, match="It needs the packages in a folder for each platform, noarch too"):
        lock(asking("gpu"))
    asked = asking("gpu", channel=None)
    with pytest.raises(UnavailableError, match="Check the network and the channels' names"):
        lock(replace(asked, file=replace(asked.file, channels=("http://127.0.0.1:9/channel",))))


def test_a_lock_of_another_tool(asking):
    """Its packages become the lock without solving, and nothing is loaded for it."""
    line = f"https://channel.example/noarch/tzdata-2024a-0.conda#{'b' * 32}"
    asked = asking(channel=None, file=CondaFile(path="x.lock", kind="locked", specs=(Line(2, line),)))
    text = lock(asked)

    assert text.splitlines()[2:] == ["# platform: linux-64", "@EXPLICIT", line]
    assert check_conda_lock(text, asked) == LockState(status="fresh")
    other = replace(asked, file=replace(asked.file, specs=(Line(2, line), Line(3, line.replace("tzdata", "x")))))
    assert check_conda_lock(text, other) == LockState(status="stale", reasons=("x.lock:3 is not in it",))


def test_states(asking):
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
        status="stale", reasons=("its packages do not come from what conda-channel says",)
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
