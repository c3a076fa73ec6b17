from __future__ import annotations

import pytest

from hatch_mlpackage.lock.wheels.cpu_builds import older_cpu_build
from hatch_mlpackage.project.target import Target

TARGET = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        (["2.15.0", "2.13.0", "2.13.0+cpu", "2.12.0+cpu"], "2.13.0"),
        (["2.15.0", "2.15.0+cpu", "2.15.0+cu130"], None),
        (["2.15.0", "2.13.0"], None),
        ([], None),
    ],
    ids=["an older one", "the newest", "none", "no such package"],
)
def test_versions(index, quiet, versions, found):
    """The newest version with a build for CPUs is named where a newer version has none."""
    for version in versions:
        index.add("torch", version)

    assert older_cpu_build("torch", TARGET, report=quiet) == found


def test_a_build_for_another_image(index, quiet):
    """Only a build that the image can install counts."""
    index.add("torch", "2.15.0")
    index.add("torch", "2.13.0+cpu", tag="cp312-cp312-manylinux_2_28_aarch64")

    assert older_cpu_build("torch", TARGET, report=quiet) is None


def test_an_index_that_does_not_answer(index, quiet):
    """An index that fails is no reason to fail before the lock does."""
    index.status = 503

    assert older_cpu_build("torch", TARGET, report=quiet) is None


def test_a_build_for_an_old_python(index, quiet):
    """A build for Python 3.7 counts by the tags of that Python, and by its last release."""
    index.add("torch", "1.13.1", tag="cp37-cp37m-manylinux1_x86_64", python=">=3.7.1")
    index.add("torch", "1.12.1+cpu", tag="cp37-cp37m-manylinux1_x86_64", python=">=3.7.1")
    target = Target(python="3.7", platform="linux/amd64", libc="manylinux_2_36")

    assert older_cpu_build("torch", target, report=quiet) == "1.12.1"
