"""Give the three builders that a context has to suit one interface."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .base_image import NAME
from .engine import Engine, run

TIMESTAMP = 1580601600  # every time in a reproducible image: hatchling's own default, 2020-02-02


class Builder(Protocol):
    """Build a context into an image that the engine can run."""

    @property
    def name(self) -> str: ...

    @property
    def program(self) -> str:
        """Return the command that a person would use."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that the command needs here and now."""

    def build(self, context: Path, tag: str, *options: str, network: str = "host") -> str:
        """Build, and return the builder's output."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Docker:
    """Build with Docker's classic builder, or with BuildKit."""

    engine: Engine
    buildkit: bool

    @property
    def name(self) -> str:
        return "buildkit" if self.buildkit else "classic"

    @property
    def program(self) -> str:
        return "docker"

    @property
    def environment(self) -> dict[str, str]:
        kind = str(int(self.buildkit))
        return {"DOCKER_HOST": self.engine.address, "DOCKER_BUILDKIT": kind, "BUILDKIT_PROGRESS": "plain"}

    def build(self, context: Path, tag: str, *options: str, network: str = "host") -> str:
        command = ("build", *options, "--network", network, "--tag", tag, context)
        return self.engine.run(*command, environment=self.environment)


@dataclass(frozen=True, kw_only=True, slots=True)
class Buildah:
    """Build with buildah and its own storage below `directory`, and hand the image to the engine."""

    engine: Engine
    directory: Path
    name: str = "buildah"
    program: str = "buildah"

    @property
    def environment(self) -> dict[str, str]:
        storage = self.directory / "storage.conf"
        return {"BUILDAH_ISOLATION": "chroot", "BUILDAH_LAYERS": "true", "CONTAINERS_STORAGE_CONF": str(storage)}

    def build(self, context: Path, tag: str, *options: str, network: str = "host") -> str:
        # Without `--format docker` the image is in OCI's format, which has no HEALTHCHECK.
        log = self._run("build", "--format", "docker", *options, "--network", network, "--tag", tag, str(context))
        self.hand_over(tag)
        return log

    def hand_over(self, tag: str) -> None:
        """Load an image into the engine."""
        archive = self.export(tag, self.directory / "image.tar")
        self.engine.run("load", "--input", archive)
        archive.unlink()

    def export(self, tag: str, archive: Path) -> Path:
        """Write an image as `docker save` does."""
        archive.unlink(missing_ok=True)
        self._run("push", tag, f"docker-archive:{archive}:{tag}")
        return archive

    def build_reproducibly(self, context: Path, tag: str, *options: str) -> str:
        """Build without a cache, with fixed times and without stage ids in the history; return the digest.

        The format is OCI's, because buildah's images in Docker's format name the container of the build.
        """
        fixed = ("--format", "oci", "--layers=false", "--timestamp", str(TIMESTAMP), "--omit-history")
        self.build(context, tag, *fixed, *options)
        said = self._run("inspect", "--type", "image", "--format", "{{.FromImageDigest}}", tag)
        return re.search(r"sha256:[0-9a-f]{64}", said)[0]

    def take_base_image(self) -> None:
        """Set up the storage, and put the engine's base image into it."""
        self.directory.mkdir()
        places = {"graphroot": self.directory / "root", "runroot": self.directory / "run"}
        lines = ["[storage]", *(f'{name} = "{place}"' for name, place in places.items())]
        (self.directory / "storage.conf").write_text("\n".join(lines))
        archive = self.directory / "base.tar"
        self.engine.run("save", "--output", archive, NAME)
        self._run("pull", f"docker-archive:{archive}")
        archive.unlink()

    def _run(self, *arguments: str) -> str:
        return run(["buildah", *arguments], environment=self.environment)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    tag: str
    builder: Builder


_STEP = re.compile(
    r"^(?:Step|STEP) \d+/\d+ ?: (?P<classic>.+)$|^#(?P<id>\d+) \[ *\d+/\d+\] (?P<buildkit>.+)$", re.MULTILINE
)


def cached_steps(log: str) -> dict[str, bool]:
    """Return for each instruction in the log, in its order, whether the builder took it from its cache."""
    steps: dict[str, bool] = {}
    found = list(_STEP.finditer(log))
    for step, following in zip(found, [*found[1:], None], strict=True):
        if step["classic"]:
            said = log[step.end() : following.start() if following else None]
            steps[step["classic"]] = re.search(r"^ ?--->? Using cache|^--> Using cache", said, re.MULTILINE) is not None
        else:
            steps[step["buildkit"]] = f"\n#{step['id']} CACHED" in log
    return steps
