from __future__ import annotations

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from hatch_mlpackage.lock.asked.markers import applies, marker_environment
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


def test_applies_without_a_marker() -> None:
    """A requirement without a marker always counts."""
    assert applies(Requirement("a"), TARGET) is True
