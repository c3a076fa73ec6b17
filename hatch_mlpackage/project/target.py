"""Describe what the image runs: the Python version, platform and C library that wheels are locked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

# The Pythons that run entry scripts. The server needs one of those from 3.8 on: for an older one, the image has two.
SUPPORTED_PYTHONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
OLD_PYTHONS = ("3.6", "3.7")
# Their last releases, which every official image has (python.org/downloads).
_LAST_PATCHES = {"3.6": 15, "3.7": 17}
# What messages suggest in place of a Python that is too old: most packages of its time have wheels for this one too.
NEARBY_PYTHON = "3.6"
# What another Python means for a model.
PICKLED = "a pickled model may not load or may answer otherwise there, so compare its answers or train it again"
ARCHITECTURES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
SUBDIRS = {"linux/amd64": "linux-64", "linux/arm64": "linux-aarch64"}  # conda's names for them

# The glibc of each distribution, by its release notes: a wheel for a newer one would not load in the image. An unknown
# distribution is assumed to have glibc 2.28, which every supported release has.
_GLIBC_OF_DISTRIBUTION = {
    "buster": 28,
    "bullseye": 31,
    "bookworm": 36,
    "trixie": 41,
    "focal": 31,
    "jammy": 35,
    "noble": 39,
    "20.04": 31,
    "22.04": 35,
    "24.04": 39,
}
_OLDEST_GLIBC = 28


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Hold the image's Python (`X.Y`), platform (a key of `ARCHITECTURES`) and C library (`manylinux_2_36`, `musl`)."""

    python: str
    platform: str
    libc: str

    @property
    def architecture(self) -> str:
        return ARCHITECTURES[self.platform]

    @property
    def full_python(self) -> str:
        """Return the patch release that packages are chosen for: the last one of an old Python, the first of another.

        Many packages of their time need 3.6.1 or 3.7.1, while nothing excludes the last releases.
        """
        return f"{self.python}.{_LAST_PATCHES.get(self.python, 0)}"

    @property
    def abi(self) -> str:
        """Return the tag of compiled code: `cp312`, and `cp37m` for the Pythons that had several kinds."""
        return f"cp{self.python.replace('.', '')}{'m' if self.python in OLD_PYTHONS else ''}"

    def __str__(self) -> str:
        return f"CPython {self.python} on {self.platform} ({self.libc})"


def is_version(text: str) -> bool:
    """Tell whether a text is a version of a Python package (PEP 440)."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def libc_of(base_image: str) -> str:
    """Return a base image's C library, by its name and tag."""
    name = base_image.partition("@")[0].lower()
    if "alpine" in name:
        return "musl"
    # Only the last part counts: a registry or a team may have any name.
    image = name.rpartition("/")[2]
    for distribution, minor in _GLIBC_OF_DISTRIBUTION.items():
        if distribution in image:
            return f"manylinux_2_{minor}"
    return f"manylinux_2_{_OLDEST_GLIBC}"


def python_of(base_image: str) -> str | None:
    """Return the Python version in an official `python:X.Y…` image name, or None."""
    match = re.search(r"(?:^|/)python:(\d+\.\d+)(?=$|[.\-@])", base_image)
    return match[1] if match else None
