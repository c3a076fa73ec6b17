"""The three builders that a context has to suit, behind one face."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .base_image import NAME, image_environment
from .engine import Engine, run


class Builder(Protocol):
    """Builds a context into an image that the engine can run."""

    @property
    def name(self) -> str: ...

    def build(self, context: Path, tag: str) -> str:
        """Build, and return what the builder printed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Docker:
    """Docker's classic builder, or BuildKit."""

    engine: Engine
    buildkit: bool

    @property
    def name(self) -> str:
        return "buildkit" if self.buildkit else "classic"

    def build(self, context: Path, tag: str) -> str:
        environment = {"DOCKER_BUILDKIT": str(int(self.buildkit)), "BUILDKIT_PROGRESS": "plain"}
        return self.engine.run("build", "--network", "host", "--tag", tag, context, environment=environment)


@dataclass(frozen=True, kw_only=True, slots=True)
class Buildah:
    """buildah, with a storage of its own below `directory`; the image is handed to the engine to be run."""

    engine: Engine
    directory: Path
    name: str = "buildah"

    def build(self, context: Path, tag: str) -> str:
        # Without `--format docker` the image is an OCI one, which has no HEALTHCHECK.
        options = ("--layers", "--format", "docker", "--isolation", "chroot", "--network", "host", "--pull-never")
        log = self._run("build", *options, "--tag", tag, str(context))
        archive = self.directory / "image.tar"
        archive.unlink(missing_ok=True)
        self._run("push", tag, f"docker-archive:{archive}:{tag}")
        self.engine.run("load", "--input", archive)
        archive.unlink()
        return log

    def take_base_image(self) -> None:
        archive = self.directory / "base.tar"
        self.engine.run("save", "--output", archive, NAME)
        self._run("pull", f"docker-archive:{archive}")
        archive.unlink()

    def _run(self, *arguments: str) -> str:
        storage = ("--root", f"{self.directory / 'root'}", "--runroot", f"{self.directory / 'run'}")
        return run(["buildah", *storage, *arguments])


def import_base_image(engine: Engine, archive: Path) -> None:
    changes = [f"--change=ENV {name}={value}" for name, value in image_environment().items()]
    engine.run("import", *changes, "-", NAME, stdin=archive)


_STEP = re.compile(
    r"^(?:Step|STEP) \d+/\d+ ?: (?P<classic>.+)$|^#(?P<id>\d+) \[ *\d+/\d+\] (?P<buildkit>.+)$", re.MULTILINE
)


def cached_steps(log: str) -> dict[str, bool]:
    """Tell of each instruction that the builder names whether it was taken from its cache, in the order of the log."""
    steps: dict[str, bool] = {}
    found = list(_STEP.finditer(log))
    for step, following in zip(found, [*found[1:], None], strict=True):
        if step["classic"]:
            said = log[step.end() : following.start() if following else None]
            steps[step["classic"]] = re.search(r"^ ?--->? Using cache|^--> Using cache", said, re.MULTILINE) is not None
        else:
            steps[step["buildkit"]] = f"\n#{step['id']} CACHED" in log
    return steps
