"""Build images twice from nothing, on different days, and compare their digests.

Programs in a build see the clock of another day through libfaketime, which the base image of these tests loads into
every program. buildah itself keeps today's clock: it is written in Go, which asks the kernel and not libc, and
namespaces do not set the date. A test therefore shows that no time of that clock is in the image: every file of the
layer and the configuration have the one time that buildah was given.
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
CLOCK = "/etc/faketimerc"  # the variable that libfaketime reads
WITH_A_CLOCK = f"""FROM {NAME}
COPY libfaketime.so.1 /usr/lib/libfaketime.so.1
COPY ld.so.preload /etc/ld.so.preload
COPY now {CLOCK}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """Build with a buildah whose builds run on a chosen day, some days from now."""

    buildah: Buildah

    def build(self, context: Path, tag: str, *, day: int) -> str:
        """Build from nothing on that day, and return the digest."""
        return self.buildah.build_reproducibly(context, tag, *self._clock(day))

    def date(self, day: int) -> str:
        """Return the output of `date` in a build on that day."""
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
    """Return every time in an image's configuration and of the files in its last layer."""
    with tarfile.open(archive) as image:
        (said,) = json.load(image.extractfile("manifest.json"))
        config = json.load(image.extractfile(said["Config"]))
        with tarfile.open(fileobj=image.extractfile(said["Layers"][-1])) as layer:
            files = {int(member.mtime) for member in layer}
    stamps = [config["created"], *(step["created"] for step in config.get("history", ()) if "created" in step)]
    return files | {int(datetime.fromisoformat(stamp).timestamp()) for stamp in stamps}


def test_the_days_are_days_apart(days: Days) -> None:
    """Programs in a build see the date of its day."""
    first, second = (date.fromisoformat(days.date(day)) for day in (0, 3))

    assert second - first in {timedelta(days=3), timedelta(days=4)}  # midnight may pass in between


def touched_copy(context: Path, to: Path) -> Path:
    """Copy a context to another folder with the times of another day, as a checkout would."""
    shutil.copytree(context, to)
    for path in to.rglob("*"):
        os.utime(path, (1_900_000_000, 1_900_000_000))
    return to


def test_pip(days: Days, diabetes: Diabetes, tmp_path: Path) -> None:
    """Two builds of both pip environments, the models and the sources give one image, without the time of any clock."""
    again = touched_copy(diabetes.original, tmp_path / "again")

    assert days.build(diabetes.original, "pip:1", day=0) == days.build(again, "pip:2", day=3)
    assert times(days.buildah.export("pip:2", tmp_path / "image.tar")) == {TIMESTAMP}


def test_apt(days: Days, system_packages: Path, tmp_path: Path) -> None:
    """Operating system packages of the same versions leave no log, cache or date behind."""
    context = generate(system_packages, tmp_path / "context")
    again = touched_copy(context, tmp_path / "again")

    assert days.build(context, "apt:1", day=0) == days.build(again, "apt:2", day=3)
