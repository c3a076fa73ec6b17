"""Making a conda lock: its text, and what it keeps of an earlier one."""

from __future__ import annotations

import hashlib

from hatch_mlpackage.lock.conda.check import conda_packages_of

ASKED = ("python 3.12.*", "conda-forge::greeting", "gpu")


def test_the_whole_lock(asking, channel, lock, files_in):
    """The lock is explicit and hashed, dependencies first, and names no folder of this machine."""
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
    """Specs in another order, and solving again, give the same bytes."""
    assert {lock(asking(*order)) for order in (ASKED, ASKED, ASKED[::-1])} == {lock(asking(*ASKED))}


def test_python_is_that_of_the_image(asking, lock, files_in):
    """A file that pins no Python gets the image's, and a note says so."""
    asked = asking("words")

    assert "python-3.12.4-h_cpython.conda" in files_in(lock(asked))
    assert asked.notes == ("environment.yml: python is not pinned: the image's Python 3.12 is used.",)


def test_what_was_locked_is_kept(asking, lock, files_in):
    """An earlier choice stays until `--upgrade`, and a damaged lock is made anew."""
    old = lock(asking("python ==3.12.3"))

    assert "python-3.12.3-h_cpython.conda" in files_in(lock(asking("python"), old))
    assert "python-3.12.4-h_cpython.conda" in files_in(lock(asking("python"), old, upgrade=True))
    assert "python-3.12.4-h_cpython.conda" in files_in(lock(asking("python"), "x\n"))
