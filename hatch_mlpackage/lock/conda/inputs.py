"""Hold what a conda lock is made from, and the platform that it is made for, which never depends on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.python_pin import pins_python
from hatch_mlpackage.lock.pins.header import SCHEMA, digest
from hatch_mlpackage.project.target import SUBDIRS, Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.conda.conda_file import CondaFile

# The oldest kernel that an image runs on today: Red Hat Enterprise Linux 8 has it, and conda-forge builds for that.
_KERNEL = "4.18"


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaInputs:
    """A conda file with the image it is for.

    `channel` is the vendored channel's folder, `cuda` is `12.4` or empty, and `file_digest` is that of the file.
    """

    file: CondaFile
    target: Target
    cuda: str = ""
    channel: Path | None = None
    file_digest: str = ""

    @property
    def subdir(self) -> str:
        return SUBDIRS[self.target.platform]

    @property
    def specs(self) -> tuple[Line, ...]:
        """Return the specs to solve: those of the file, and the image's Python where the file pins none."""
        if self.file.kind != "environment" or pins_python(self.file):
            return self.file.specs
        return (*self.file.specs, Line(0, f"python {self.target.python}.*"))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the file's notes, and the assumption about Python where one is made."""
        if self.specs == self.file.specs:
            return self.file.notes
        taken = f"{self.file.path}: python is not pinned: the image's Python {self.target.python} is used."
        return (*self.file.notes, taken)

    def virtual_packages(self) -> tuple[tuple[str, str, str], ...]:
        """Return the name, version and build of each virtual package that the image offers."""
        given = [
            ("__unix", "0", "0"),
            ("__linux", _KERNEL, "0"),
            ("__glibc", self.target.libc.removeprefix("manylinux_").replace("_", "."), "0"),
            ("__archspec", "1", self.target.architecture),
        ]
        return (*given, ("__cuda", self.cuda, "0")) if self.cuda else tuple(given)

    def digest(self) -> str:
        """Digest what decides the packages; tool versions, paths and comments do not."""
        inputs = {
            "schema": SCHEMA,
            "kind": self.file.kind,
            "channels": ["vendored"] if self.channel else self.file.channels,
            "specs": sorted({spec.text for spec in self.specs}),
            "subdir": self.subdir,
            "virtual": self.virtual_packages(),
        }
        return digest(json.dumps(inputs, sort_keys=True, separators=(",", ":")))
