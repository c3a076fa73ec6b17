"""Images that are built twice from nothing, on different days: one digest.

What a build runs has the clock of another day, by libfaketime, which the base image of these tests loads into every
program. buildah itself cannot be given one: it is written in Go, which asks the kernel and not libc, and namespaces
have no calendar of their own. So it is shown that no time of its clock is in the image: those of each file in
its layer and of its configuration are the one that buildah was told to write.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .base_image import NAME
from .builders import TIMESTAMP, Buildah
from .projects import generate

if TYPE_CHECKING:
    from .engine import Engine
    from .projects import Diabetes

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]


LIBFAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), Path("libfaketime.so.1"))
CLOCK = "/etc/faketimerc"  # what libfaketime reads
WITH_A_CLOCK = f"""FROM {NAME}
COPY libfaketime.so.1 /usr/lib/libfaketime.so.1
COPY ld.so.preload /etc/ld.so.preload
COPY now {CLOCK}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """A buildah that builds on a chosen day, some days from now."""

    buildah: Buildah

    def build(self, context: Path, tag: str, *, day: int) -> str:
        """Build on that day from nothing; return the digest."""
        return self.buildah.build_reproducibly(context, tag, *self._clock(day))

    def date(self, day: int) -> str:
        """Return what `date` prints in a build on that day."""
        context = self.buildah.directory / "date"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {NAME}\nRUN echo today is $(date -u +%F)\n")
        log = self.buildah.build(context, "date:1", "--layers=false", *self._clock(day))
        return re.search(r"^today is (\S+)$", log, re.MULTILINE)[1]

    def _clock(self, day: int) -> tuple[str, str]:
        file = self.buildah.directory / f"day{day}"
        file.write_text(f"{day:+}d\n")
        return "--volume", f"{file}:{CLOCK}:ro"


@pytest.fixture(scope="module")
def days(engine: Engine) -> Days:
    builder = Buildah(engine=engine, directory=engine.directory / "buildah-twice")  # removed with the engine
    builder.take_base_image()
    context = builder.directory / "clock"
    context.mkdir()
    shutil.copy(LIBFAKETIME, context / "libfaketime.so.1")
    (context / "ld.so.preload").write_text("/usr/lib/libfaketime.so.1\n")
    (context / "now").write_text("+0d\n")
    (context / "Dockerfile").write_text(WITH_A_CLOCK)
    builder.build(context, f"docker.io/library/{NAME}")
    return Days(buildah=builder)


def times(archive: Path) -> set[int]:
    """Return every time that an image's configuration and the files in its last layer have."""
    with tarfile.open(archive) as image:
        (said,) = json.load(image.extractfile("manifest.json"))
        config = json.load(image.extractfile(said["Config"]))
        with tarfile.open(fileobj=image.extractfile(said["Layers"][-1])) as layer:
            files = {int(member.mtime) for member in layer}
    stamps = [config["created"], *(step["created"] for step in config.get("history", ()) if "created" in step)]
    return files | {int(datetime.fromisoformat(stamp).timestamp()) for stamp in stamps}


def test_the_days_are_days_apart(days: Days) -> None:
    """Programs that a build runs see the date of its day."""
    first, second = (date.fromisoformat(days.date(day)) for day in (0, 3))

    assert second - first in {timedelta(days=3), timedelta(days=4)}  # midnight may pass in between


def touched_copy(context: Path, to: Path) -> Path:
    """Copy a context as a checkout would: elsewhere, with the times of another day."""
    shutil.copytree(context, to)
    for path in to.rglob("*"):
        os.utime(path, (1_900_000_000, 1_900_000_000))
    return to


def test_pip(days: Days, diabetes: Diabetes, tmp_path: Path) -> None:
    """Both environments of pip, the models and the sources come out the same; no time of any clock is in the image."""
    again = touched_copy(diabetes.original, tmp_path / "again")

    assert days.build(diabetes.original, "pip:1", day=0) == days.build(again, "pip:2", day=3)
    assert times(days.buildah.export("pip:2", tmp_path / "image.tar")) == {TIMESTAMP}


def test_apt(days: Days, system_packages: Path, tmp_path: Path) -> None:
    """Operating system packages leave no log, cache or date behind, while their versions are the same."""
    context = generate(system_packages, tmp_path / "context")
    again = touched_copy(context, tmp_path / "again")

    assert days.build(context, "apt:1", day=0) == days.build(again, "apt:2", day=3)
