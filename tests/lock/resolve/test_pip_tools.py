from __future__ import annotations

import platform
import sys

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.resolve import pip_tools
from hatch_mlpackage.project.target import Target

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize(
    ("machine", "libc", "target"),
    [
        ("x86_64", "glibc", Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")),
        ("aarch64", "glibc", Target(python=HERE, platform="linux/arm64", libc="manylinux_2_36")),
        ("x86_64", "", Target(python=HERE, platform="linux/amd64", libc="musl")),
    ],
)
def test_its_own_image(machine: str, libc: str, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-tools locks if this machine has the image's Python, architecture and kind of C library."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))

    pip_tools.require_host(target)


@pytest.mark.parametrize(
    ("system", "machine", "target", "told"),
    [
        (
            "linux",
            "x86_64",
            Target(python="3.8", platform="linux/amd64", libc="manylinux_2_28"),
            f"CPython {HERE} on linux/x86_64 (glibc), the image has CPython 3.8 on linux/x86_64 (glibc)",
        ),
        (
            "linux",
            "x86_64",
            Target(python=HERE, platform="linux/arm64", libc="manylinux_2_28"),
            f"CPython {HERE} on linux/x86_64 (glibc), the image has CPython {HERE} on linux/aarch64 (glibc)",
        ),
        (
            "linux",
            "x86_64",
            Target(python=HERE, platform="linux/amd64", libc="musl"),
            f"CPython {HERE} on linux/x86_64 (glibc), the image has CPython {HERE} on linux/x86_64 (musl)",
        ),
        (
            "darwin",
            "arm64",
            Target(python=HERE, platform="linux/arm64", libc="manylinux_2_28"),
            f"CPython {HERE} on darwin/arm64, the image has CPython {HERE} on linux/aarch64 (glibc)",
        ),
    ],
)
def test_another_image(system: str, machine: str, target: Target, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-tools refuses every other image and says what differs."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))

    with pytest.raises(LockError) as refused:
        pip_tools.require_host(target)

    assert str(refused.value).startswith(f"pip-tools locks only for the Python that runs it: here that is {told}. Lock")


@pytest.mark.parametrize("python", ["3.6", "3.7", "3.10"])
def test_a_python_that_cannot_run_it(python: str) -> None:
    """For a Python on which this package does not run, uv is the only way: pip would evaluate markers for its own."""
    with pytest.raises(LockError) as refused:
        pip_tools.require_host(Target(python=python, platform="linux/amd64", libc="manylinux_2_31"))

    assert str(refused.value).endswith(
        'Lock with uv (`pip install "hatch-mlpackage[cli]"`, and no `locker = "pip-tools"`).'
    )
