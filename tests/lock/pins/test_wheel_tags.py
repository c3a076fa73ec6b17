from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from packaging import tags

from hatch_mlpackage.lock.pins.wheel_tags import fits, supported_tags
from hatch_mlpackage.project.target import Target

X86 = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_28")
ARM = Target(python="3.12", platform="linux/arm64", libc="manylinux_2_28")
ALPINE = Target(python="3.12", platform="linux/amd64", libc="musl")


@pytest.mark.parametrize(
    ("tag", "targets"),
    [
        ("py3-none-any", {X86, ARM, ALPINE}),
        ("py2.py3-none-any", {X86, ARM, ALPINE}),
        ("cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", {X86}),
        ("cp312-cp312-manylinux1_x86_64", {X86}),
        ("cp37-abi3-manylinux_2_28_aarch64", {ARM}),
        ("cp312-cp312-musllinux_1_1_x86_64", {ALPINE}),
        ("cp312-cp312-manylinux_2_29_x86_64", set()),
        ("cp313-cp313-manylinux_2_17_x86_64", set()),
        ("cp313-abi3-manylinux_2_17_x86_64", set()),
        ("cp312-cp312t-manylinux_2_17_x86_64", set()),
        ("cp312-cp312-linux_x86_64", set()),
        ("cp312-cp312-win_amd64", set()),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", set()),
    ],
)
def test_fits(tag: str, targets: set[Target]) -> None:
    """A wheel fits an image of its Python and platform whose C library is not older than the wheel's."""
    assert {target for target in (X86, ARM, ALPINE) if fits(f"a-1-{tag}.whl", target)} == targets


@pytest.mark.parametrize(
    ("file", "pythons"),
    [
        ("numpy-1.15.4-cp36-cp36m-manylinux1_x86_64.whl", {"3.6"}),
        ("numpy-1.19.5-cp36-cp36m-manylinux2010_x86_64.whl", {"3.6"}),
        ("numpy-1.19.5-cp36-cp36m-manylinux2014_aarch64.whl", set()),
        ("scikit_learn-0.20.0-cp36-cp36m-manylinux1_x86_64.whl", {"3.6"}),
        ("scikit_learn-0.24.2-cp37-cp37m-manylinux2010_x86_64.whl", {"3.7"}),
        ("pandas-0.25.3-cp37-cp37m-manylinux1_x86_64.whl", {"3.7"}),
        ("pandas-1.1.5-cp37-cp37m-manylinux2014_x86_64.whl", {"3.7"}),
        ("scikit_learn-1.0.2-cp37-cp37m-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", {"3.7"}),
        ("scikit_learn-0.24.2-cp38-cp38-manylinux2010_x86_64.whl", {"3.8"}),
        ("cryptography-3.4.8-cp36-abi3-manylinux2014_x86_64.whl", {"3.6", "3.7", "3.8"}),
        ("of-1-cp37-cp37-manylinux2014_x86_64.whl", set()),
        ("of-1-cp38-cp38m-manylinux2014_x86_64.whl", set()),
        ("six-1.16.0-py2.py3-none-any.whl", {"3.6", "3.7", "3.8"}),
        ("of-1-py37-none-any.whl", {"3.7", "3.8"}),
    ],
)
def test_wheels_of_old_pythons(file: str, pythons: set[str]) -> None:
    """Compiled wheels for Python 3.6 and 3.7 have an `m` in their name, and the platforms of their time."""
    targets = [Target(python=it, platform="linux/amd64", libc="manylinux_2_31") for it in ("3.6", "3.7", "3.8")]

    assert {target.python for target in targets if fits(file, target)} == pythons


@pytest.mark.environments
def test_the_order_is_that_of_an_old_pip(interpreter: Callable[[str], str]) -> None:
    """For Python 3.7, the tags of Linux and their order are those that its own pip finds on this machine."""
    program = "from pip._vendor.packaging import tags; print(*tags.sys_tags(), sep='\\n')"
    said = subprocess.run([interpreter("3.7"), "-c", program], capture_output=True, text=True, check=True)
    own = [tag for tag in said.stdout.split() if "-manylinux" in tag]
    libc = own[0].rpartition("-")[2].removesuffix("_x86_64")
    if not libc.startswith("manylinux_2_") or libc.endswith("aarch64"):
        pytest.skip("this machine is no image that is built for")
    target = Target(python="3.7", platform="linux/amd64", libc=libc)

    assert [tag for tag in map(str, supported_tags(target)) if not tag.endswith("-any")] == own


@pytest.mark.skipif(sys.platform != "linux", reason="compares with the tags of a Linux host")
def test_the_order_is_that_of_packaging() -> None:
    """For an image like this machine, the tags and their order are those that packaging finds."""
    own = [tag for tag in tags.sys_tags() if not tag.platform.startswith("linux")]
    newest = next((tag.platform for tag in own if tag.platform.startswith("manylinux_2_")), "")
    if not newest.endswith(("x86_64", "aarch64")):
        pytest.skip("this machine is no image that is built for")
    libc = newest.removesuffix("_x86_64").removesuffix("_aarch64")
    platform = "linux/arm64" if "aarch64" in newest else "linux/amd64"
    here = Target(python=f"{sys.version_info.major}.{sys.version_info.minor}", platform=platform, libc=libc)

    assert list(supported_tags(here)) == own
