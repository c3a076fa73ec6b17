"""What a conda lock is made from, and the platform it is made for: given, never detected on this machine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.lock.header import SCHEMA, digest

from .explicit import SUBDIRS

if TYPE_CHECKING:
    from hatch_mlpackage.target import Target

    from .conda_file import CondaFile

# The oldest kernel that an image of today meets: that of Red Hat Enterprise Linux 8, which conda-forge builds for.
_KERNEL = "4.18"
_CUDA = re.compile(r"cuda[:-]?(\d+\.\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaInputs:
    """A conda file with the image it is for; `channel` is the vendored channel's folder, `cuda` is `12.4` or empty."""

    file: CondaFile
    target: Target
    cuda: str = ""
    channel: Path | None = None

    @property
    def subdir(self) -> str:
        return SUBDIRS[self.target.platform]

    @property
    def is_solved(self) -> bool:
        """Tell whether conda is asked for anything: a file with no more than Python's name is pip's alone."""
        return self.file.kind != "pip"

    def virtual_packages(self) -> tuple[tuple[str, str, str], ...]:
        """Return the name, version and build of what the image offers without being a package."""
        given = [
            ("__unix", "0", "0"),
            ("__linux", _KERNEL, "0"),
            ("__glibc", self.target.libc.removeprefix("manylinux_").replace("_", "."), "0"),
            ("__archspec", "1", self.target.architecture),
        ]
        return (*given, ("__cuda", self.cuda, "0")) if self.cuda else tuple(given)

    def digest(self) -> str:
        """Digest what decides the packages: no tool version, path or comment is part of it."""
        inputs = {
            "schema": SCHEMA,
            "kind": self.file.kind,
            "channels": ["vendored"] if self.channel else self.file.channels,
            "specs": sorted({spec.text for spec in self.file.specs}),
            "subdir": self.subdir,
            "virtual": self.virtual_packages(),
        }
        return digest(json.dumps(inputs, sort_keys=True, separators=(",", ":")))


def cuda_of(base_image: str) -> str:
    """Tell the CUDA version of a base image from its name and tag, or the empty string."""
    found = _CUDA.search(base_image.lower())
    return found[1] if found else ""
