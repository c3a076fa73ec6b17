from __future__ import annotations

import sys

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from hatch_mlpackage.lock.asked.markers import applies, for_this_machine, known_marker, marker_environment
from hatch_mlpackage.project.target import Target

TARGET = Target(python="3.10", platform="linux/arm64", libc="musl")


def test_the_image_sets_every_variable() -> None:
    """The image's marker environment sets every variable, so none comes from this machine."""
    assert marker_environment(TARGET).keys() == {*default_environment(), "extra"}


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("python_version < '3.11'", True),
        ("python_version == '3.10'", True),
        ("python_version in '3.9 3.11'", False),
        ("python_full_version < '3.10.1'", True),
        ("implementation_version >= '3.10'", True),
        ("implementation_name == 'cpython' and platform_python_implementation == 'CPython'", True),
        ("sys_platform == 'linux' and os_name == 'posix' and platform_system == 'Linux'", True),
        ("sys_platform == 'win32' or sys_platform == 'darwin'", False),
        ("platform_machine == 'aarch64'", True),
        ("platform_machine == 'x86_64'", False),
        ("extra == 'all'", False),
        ("sys_platform ~= 'x'", True),
    ],
)
def test_applies(marker: str, *, expected: bool) -> None:
    """A marker is evaluated for the image, and counts as true where the lock cannot know the answer."""
    assert applies(Requirement(f"a; {marker}"), TARGET) is expected


def test_for_this_machine() -> None:
    """What counts on this machine stays, without its marker, and nothing else."""
    asked = ("a[b]==1; sys_platform != 'nowhere'", "c", f"d>=2,<3; sys_platform != '{sys.platform}'")

    assert list(for_this_machine(asked)) == ["a[b]==1", "c"]


def test_applies_without_a_marker() -> None:
    """A requirement without a marker always counts."""
    assert applies(Requirement("a"), TARGET) is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sys_platform == 'linux'", ""),
        ("python_version >= '3.8' and (os_name != 'nt' or platform_machine in 'x86_64 aarch64')", ""),
        ("'extra' == sys_platform", ""),
        ("nonsense", "cannot be read"),
        ("sys_platform ~= 'linux'", "cannot be evaluated"),
        ("extra == 'x'", "depends on extra, which is unknown before the image runs"),
        ("python_full_version == '3.12.0'", "depends on python_full_version, which is unknown before the image runs"),
        ("'5' in platform_release", "depends on platform_release, which is unknown before the image runs"),
        ("os.name == 'posix'", "depends on os.name, which is unknown before the image runs"),
    ],
)
def test_markers_of_certain_truth(text: str, reason: str) -> None:
    """Only what is known of an image before it runs may decide what a lock installs."""
    try:
        found = "" if known_marker(text) else "no marker"
    except ValueError as error:
        found = str(error)

    assert found == reason
