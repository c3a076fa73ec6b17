from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hatch_mlpackage.lock.wheels.compiled import foreign_libraries, platform_here, why_not_here
from hatch_mlpackage.project.target import Target

IMAGE = {"python": "3.7", "platform": "linux/amd64", "libc": "manylinux_2_31"}


@pytest.mark.parametrize(
    ("here", "libc", "image", "expected"),
    [
        ("x86_64", ("glibc", "2.31"), {}, ""),
        ("x86_64", ("glibc", "2.28"), {}, ""),
        ("x86_64", ("glibc", "2.36"), {}, "this machine has glibc 2.36, and the image 2.31"),
        ("x86_64", ("glibc", "2.31"), {"libc": "musl"}, "this machine has glibc 2.31, and the image musl"),
        ("x86_64", ("", ""), {}, "this machine has no glibc, the image is for linux/amd64"),
        ("aarch64", ("glibc", "2.31"), {}, "this machine is of aarch64, the image is for linux/amd64"),
        ("aarch64", ("glibc", "2.31"), {"platform": "linux/arm64"}, ""),
    ],
)
def test_images_like_this_machine(
    monkeypatch: pytest.MonkeyPatch, here: str, libc: tuple[str, str], image: dict[str, str], expected: str
) -> None:
    """An image loads what is compiled here if it has this architecture, and this glibc or a newer one."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: here)
    monkeypatch.setattr("platform.libc_ver", lambda: libc)

    assert why_not_here(Target(**{**IMAGE, **image})) == expected


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is compiled on another system loads in an image."""
    monkeypatch.setattr("sys.platform", "darwin")

    assert why_not_here(Target(**IMAGE)) == "this machine has no glibc, the image is for linux/amd64"


def test_the_tag_is_that_of_the_older_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel says which glibc it was compiled with, not which one the image has."""
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.28"))

    assert platform_here(Target(**IMAGE)) == "manylinux_2_28_x86_64"


def test_what_a_machine_cannot_load_counts_as_data(tmp_path: Path) -> None:
    """A file for 32 bits, or a damaged one, needs no library of the image."""
    with zipfile.ZipFile(tmp_path / "lib-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("lib/data.bin", b"\x7fELF\x01\x01")
        archive.writestr("lib/half.so", b"\x7fELF\x02\x01")

    assert foreign_libraries(tmp_path / "lib-1.0-py3-none-any.whl") == ()
