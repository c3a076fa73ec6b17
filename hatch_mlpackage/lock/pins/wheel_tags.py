"""Tell from a wheel's file name whether the image's pip installs it, whatever this machine is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from hatch_mlpackage.project.target import Target

# PEP 600: the older names of three glibc versions.
_OLDER_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
_MUSL_MINORS = (2, 1, 0)  # of musllinux_1_N; every Alpine in use has musl 1.2


@cache
def supported_tags(target: Target) -> tuple[Tag, ...]:
    """Return the tags of the wheels that load in the image, the best first, as pip orders them."""
    major, minor = map(int, target.python.split("."))
    interpreter, platforms = f"cp{major}{minor}", tuple(_platforms(target))
    return (
        *cpython_tags((major, minor), abis=(target.abi,), platforms=platforms),
        *compatible_tags((major, minor), interpreter, platforms),
    )


def fits(file_name: str, target: Target) -> bool:
    """Tell whether a wheel loads in the image; a `linux_x86_64` wheel, whose C library is unknown, does not count."""
    return not parse_wheel_filename(file_name)[3].isdisjoint(supported_tags(target))


def _platforms(target: Target) -> Iterator[str]:
    architecture = target.architecture
    if target.libc == "musl":
        yield from (f"musllinux_1_{minor}_{architecture}" for minor in _MUSL_MINORS)
        return
    newest = int(target.libc.rpartition("_")[2])
    for minor in range(newest, _OLDEST_GLIBC[architecture] - 1, -1):
        yield f"manylinux_2_{minor}_{architecture}"
        if minor in _OLDER_NAMES:
            yield f"{_OLDER_NAMES[minor]}_{architecture}"
