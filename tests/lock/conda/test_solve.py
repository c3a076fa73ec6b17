"""Making a conda lock: its text, the earlier choices that it keeps, and solving for the image on any machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.conda.check import conda_packages_of
from hatch_mlpackage.project.target import Target

ASKED = ("python 3.12.*", "conda-forge::greeting", "gpu")


def test_the_whole_lock(asking, channel, lock, files_in):
    """The lock is explicit, has hashes, lists dependencies first and names no folder of this machine."""
    text = lock(asking(*ASKED))

    first, mark, *rest = text.splitlines()
    assert first == "# Locked for linux-64 from environment.yml by hatch-mlpackage; renew with: mlpackage lock"
    assert mark.startswith(
        "# mlpackage-lock: schema=1 python=3.12 platform=linux/amd64 libc=manylinux_2_36 inputs=sha256:"
    )
    order = files_in(text)
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


def test_the_same_again(asking, lock):
    """Solving again, or with the specs in another order, gives the same bytes."""
    assert {lock(asking(*order)) for order in (ASKED, ASKED, ASKED[::-1])} == {lock(asking(*ASKED))}


def test_python_is_that_of_the_image(asking, lock, files_in):
    """A file that pins no Python gets the image's, and a note says so."""
    asked = asking("words")

    assert "python-3.12.4-h_cpython.conda" in files_in(lock(asked))
    assert asked.notes == ("environment.yml: python is not pinned: the image's Python 3.12 is used.",)


def test_what_was_locked_is_kept(asking, lock, files_in):
    """Locking keeps earlier choices until `--upgrade`, and makes a damaged lock anew."""
    old = lock(asking("python ==3.12.3"))

    assert "python-3.12.3-h_cpython.conda" in files_in(lock(asking("python"), old))
    assert "python-3.12.4-h_cpython.conda" in files_in(lock(asking("python"), old, upgrade=True))
    assert "python-3.12.4-h_cpython.conda" in files_in(lock(asking("python"), "x\n"))


def test_the_image_and_not_this_machine_decides(asking, lock, files_in):
    """The image's C library and CUDA version choose the packages, not this machine's."""
    assert "gpu-1-cuda120.conda" in files_in(lock(asking("gpu", cuda="12.4")))
    assert "python-3.12.5-h_cpython.conda" in files_in(lock(asking("python", libc="manylinux_2_41")))
    with pytest.raises(LockError) as refused:
        lock(asking("python ==3.12.5"))
    assert str(refused.value).startswith(
        "environment.yml cannot be solved for linux-64 (__unix=0, __linux=4.18, __glibc=2.36, __archspec=1):\n"
    )
    assert "__glibc >=2.40" in str(refused.value)


def test_another_architecture(asking, tmp_path, conda, lock):
    """An image for arm64 gets packages of its own architecture, on whatever machine they are solved."""
    channel = conda.channel(tmp_path / "arm")
    channel.add("words", "1.0", subdir="linux-64")
    channel.add("words", "1.0", subdir="linux-aarch64", depends=("__archspec 1 aarch64",))
    channel.add("python", "3.12.1", subdir="linux-aarch64")
    target = Target(python="3.12", platform="linux/arm64", libc="manylinux_2_36")

    text = lock(asking("words", channel=channel.folder, target=target))

    assert "# platform: linux-aarch64" in text.splitlines()
    assert {package.subdir for package in conda_packages_of(text)} == {"linux-aarch64"}


def test_a_swapped_package(asking, channel, lock):
    """A vendored package whose hash differs from its index is refused before anything is locked."""
    (channel / "linux-64/gpu-1-cpu.conda").write_bytes(b"swapped")

    with pytest.raises(LockError, match="the vendored package is not the one that was asked for: its sha256 should"):
        lock(asking("gpu"))


def test_a_channel_that_cannot_be_read(asking, channel, lock):
    """A channel folder without an index is the project's error; a server that does not answer is an outside one."""
    (channel / "noarch/repodata.json").unlink()
    with pytest.raises(LockError, match="It needs the packages in a folder for each platform, noarch too"):
        lock(asking("gpu"))
    asked = asking("gpu", channel=None)
    with pytest.raises(UnavailableError, match="Check the network and the channels' names"):
        lock(replace(asked, file=replace(asked.file, channels=("http://127.0.0.1:9/channel",))))
