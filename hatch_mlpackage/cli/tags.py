"""Name images: as configured, or after the project, with its version where no tag is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.context import inspect_requirements

if TYPE_CHECKING:
    from hatch_mlpackage.manifest import Manifest
    from hatch_mlpackage.project import Project


def project_tag(project: Project) -> str:
    """Name a project's image: `image.name` as configured; raise ConfigurationError when it cannot be read."""
    return _tagged(inspect_requirements(project).config.image.name, project.version)


def context_tag(manifest: Manifest) -> str:
    """Name the image of a context after the project it was made for."""
    project = manifest.about["project"]
    return _tagged(project["name"], project["version"])


def _tagged(name: str, version: str) -> str:
    """Add the version; `+`, which separates a local version, is no letter of a tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:{version.replace('+', '-')}"
