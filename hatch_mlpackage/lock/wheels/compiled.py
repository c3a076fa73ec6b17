"""Judge wheels that were compiled on this machine: whether an image like it can load them."""

from __future__ import annotations

import platform
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hatch_mlpackage.lock.wheels.elf import MAGIC, needed_libraries
from hatch_mlpackage.project.target import Target

# What every image with glibc has, and Debian's smallest with libstdc++ besides.
_EVERYWHERE = re.compile(
    r"(?:lib(?:c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+)\.so\.\d+|ld-linux-[a-z0-9-]+\.so\.\d+)"
)


def why_not_here(target: Target) -> str:
    """Say why a wheel that is compiled on this machine would not load in an image; "" where it loads."""
    name, version = platform.libc_ver()
    newest = int(target.libc.rpartition("_")[2]) if target.libc != "musl" else 0
    if sys.platform != "linux" or name != "glibc":
        return f"this machine has no glibc, the image is for {target.platform}"
    if platform.machine() != target.architecture:
        return f"this machine is of {platform.machine()}, the image is for {target.platform}"
    if not newest:
        return f"this machine has glibc {version}, and the image musl"
    if tuple(map(int, version.split("."))) > (2, newest):
        return f"this machine has glibc {version}, and the image 2.{newest}"
    return ""


def platform_here(target: Target) -> str:
    """Return the platform's tag of a wheel that needs this machine's glibc, for an image that is like it."""
    return f"manylinux_{platform.libc_ver()[1].replace('.', '_')}_{target.architecture}"


def foreign_libraries(wheel: Path) -> tuple[str, ...]:
    """Return the libraries that a wheel's files need, and that neither the wheel nor every image has."""
    with zipfile.ZipFile(wheel) as archive:
        own = {name.rpartition("/")[2] for name in archive.namelist()}
        needed = {library for name in archive.namelist() for library in _needed(archive.read(name))}
    return tuple(sorted(library for library in needed - own if not _EVERYWHERE.fullmatch(library)))


def _needed(content: bytes) -> Iterator[str]:
    if content.startswith(MAGIC):
        with suppress(ValueError):  # nothing that this machine could load
            yield from needed_libraries(content)
