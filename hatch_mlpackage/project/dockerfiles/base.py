"""Read a user's Dockerfile whose last stage is the base image, to write it out as the first stages of the context's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hatch_mlpackage.project.dockerfiles.base_stages import BaseDockerfile


def read_base_dockerfile(root: Path, value: str, platform: str) -> BaseDockerfile:
    """Read a Dockerfile's text, or the file below `root` that `value` names; see `parse_base_dockerfile`."""
    from hatch_mlpackage.project.dockerfiles.base_read import parse_base_dockerfile  # noqa: PLC0415 - few projects have such a Dockerfile

    return parse_base_dockerfile(root, value, platform)
