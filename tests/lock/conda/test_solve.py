"""Solving for the image, whatever the machine that locks is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.conda.check import conda_packages_of
from hatch_mlpackage.project.target import Target


def test_the_image_and_not_this_machine_decides(asking, lock, files_in):
    """The C library and CUDA of the image choose the packages."""
    assert "gpu-1-cuda120.conda" in files_in(lock(asking("gpu", cuda="12.4")))
    assert "python-3.12.5-h_cpython.conda" in files_in(lock(asking("python", libc="manylinux_2_41")))
    with pytest.raises(LockError) as refused:
        lock(asking("python ==3.12.5"))
    assert str(refused.value).startswith(
        "environment.yml cannot be solved for linux-64 (__unix=0, __linux=4.18, __glibc=2.36, __archspec=1):\n"
    )
    assert "__glibc >=2.40" in str(refused.value)


def test_another_architecture(asking, tmp_path, conda, lock):
    """An image for arm64 gets its own packages, solved on whatever machine."""
    channel = conda.channel(tmp_path / "arm")
    channel.add("words", "1.0", subdir="linux-64")
    channel.add("words", "1.0", subdir="linux-aarch64", depends=("__archspec 1 aarch64",))
    channel.add("python", "3.12.1", subdir="linux-aarch64")
    target = Target(python="3.12", platform="linux/arm64", libc="manylinux_2_36")

    text = lock(asking("words", channel=channel.folder, target=target))

    assert "# platform: linux-aarch64" in text.splitlines()
    assert {package.subdir for package in conda_packages_of(text)} == {"linux-aarch64"}


def test_a_swapped_package(asking, channel, lock):
    """A vendored file with another hash than in its index is refused before anything is locked."""
    (channel / "linux-64/gpu-1-cpu.conda").write_bytes(b"swapped")

    with pytest.raises(LockError, match="the vendored package is not the one that was asked for: its sha256 should"):
        lock(asking("gpu"))


def test_a_channel_that_cannot_be_read(asking, channel, lock):
    """A folder without an index is an error in the project, a server that does not answer is one outside."""
    (channel / "noarch/repodata.json").unlink()
    with pytest.raises(LockError, match="It needs the packages in a folder for each platform, noarch too"):
        lock(asking("gpu"))
    asked = asking("gpu", channel=None)
    with pytest.raises(UnavailableError, match="Check the network and the channels' names"):
        lock(replace(asked, file=replace(asked.file, channels=("http://127.0.0.1:9/channel",))))
