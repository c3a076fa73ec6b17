"""A Dockerfile of the user's whose last stage is the base image: read, and written out as the first stages of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stages import BaseDockerfile

__all__ = ["FOLDER", "read_base_dockerfile"]

# Where files that a Dockerfile copies from its context are put in ours.
FOLDER = "base"


def read_base_dockerfile(root: Path, value: str, platform: str) -> BaseDockerfile:
    """Read the text, or the file below the project's root that is named instead; see `read.read_base_dockerfile`."""
    from . import read  # noqa: PLC0415 - few projects have such a Dockerfile

    return read.read_base_dockerfile(root, value, platform)
