from __future__ import annotations

import sys

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
