from __future__ import annotations

import subprocess
import sys

import pytest

from hatch_mlpackage.lock.resolve import uv
from hatch_mlpackage.project.target import Target


@pytest.mark.parametrize(
    ("platform", "libc", "expected"),
    [
        ("linux/amd64", "manylinux_2_36", "x86_64-manylinux_2_36"),
        ("linux/arm64", "manylinux_2_31", "aarch64-manylinux_2_31"),
        ("linux/amd64", "manylinux_2_30", "x86_64-manylinux_2_28"),
        ("linux/amd64", "manylinux_2_41", "x86_64-manylinux_2_40"),
        ("linux/arm64", "musl", "aarch64-unknown-linux-musl"),
    ],
)
def test_platform(platform: str, libc: str, expected: str) -> None:
    """uv gets the newest platform that it knows and that the image's C library supports."""
    assert uv.platform_of(Target(python="3.12", platform=platform, libc=libc)) == expected


def test_uv_knows_every_platform() -> None:
    """The installed uv knows every platform that it may be asked for."""
    command = [uv.find_uv() or "uv", "pip", "compile", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    asked = {
        uv.platform_of(Target(python="3.12", platform=platform, libc=libc))
        for platform in ("linux/amd64", "linux/arm64")
        for libc in ("musl", *(f"manylinux_2_{minor}" for minor in range(17, 43)))
    }

    assert {name for name in asked if name not in said.stdout} == set()


def test_find_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv's Python package, the program on PATH is used."""
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")

    assert uv.find_uv() == "/bin/uv"
