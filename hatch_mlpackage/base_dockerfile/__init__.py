"""A Dockerfile of the user's whose last stage is the base image: read, and written out as the first stages of ours."""

from __future__ import annotations

from .read import read_base_dockerfile
from .stages import FOLDER, BaseDockerfile

__all__ = ["FOLDER", "BaseDockerfile", "read_base_dockerfile"]
