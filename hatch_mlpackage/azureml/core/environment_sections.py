"""The sections of an Environment: its Python packages, and the image under them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.files.read import file_text

log = logging.getLogger(__name__)

# The original's defaults. Here they stand for any image with the right Python.
DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04:20251130.v1"
# The three bases that exclude each other, with their keys.
_BASES = {"base_image": "baseImage", "base_dockerfile": "baseDockerfile", "build_context": "buildContext"}


class DockerImagePlatform:
    """The operating system and processor that an image is for."""

    def __init__(self) -> None:
        self.os: str | None = "Linux"
        self.architecture: str | None = "amd64"

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> DockerImagePlatform:
        made = cls()
        made.os, made.architecture = found.get("os"), found.get("architecture")
        return made


class PythonSection:
    """The Python packages: those of conda and pip, or those in the base image."""

    def __init__(self) -> None:
        self.user_managed_dependencies = False
        self.interpreter_path: str | None = "python"
        self.conda_dependencies_file: str | None = None
        self.base_conda_environment: str | None = None
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()

    def to_json(self) -> dict[str, Any]:
        conda = self.conda_dependencies
        return {
            "userManagedDependencies": self.user_managed_dependencies,
            "interpreterPath": self.interpreter_path,
            "condaDependenciesFile": self.conda_dependencies_file,
            "baseCondaEnvironment": self.base_conda_environment,
            "condaDependencies": conda.as_dict() if conda else None,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> PythonSection:
        made = cls()
        conda = found.get("condaDependencies")
        made.user_managed_dependencies = bool(found.get("userManagedDependencies"))
        made.interpreter_path = found.get("interpreterPath")
        made.conda_dependencies_file = found.get("condaDependenciesFile")
        made.base_conda_environment = found.get("baseCondaEnvironment")
        made.conda_dependencies = None if conda is None else CondaDependencies(_underlying_structure=conda)
        return made


class DockerSection:
    """The base image, as a reference or as a Dockerfile, and how the original ran containers."""

    def __init__(self) -> None:
        self._base: dict[str, Any] = {"base_image": DEFAULT_CPU_IMAGE}
        self.enabled = False
        self.gpu_support = False  # without effect, as in the original's last releases
        self.shared_volumes: bool | None = True
        self.shm_size: str | None = "2g"
        self.arguments: list[str] = []
        self.platform = DockerImagePlatform()
        self.base_image_registry = ContainerRegistry()

    @property
    def base_image(self) -> str | None:
        return self._base.get("base_image")

    @base_image.setter
    def base_image(self, value: str | None) -> None:
        self._choose("base_image", value)

    @property
    def base_dockerfile(self) -> str | None:
        return self._base.get("base_dockerfile")

    @base_dockerfile.setter
    def base_dockerfile(self, value: str | IO[str] | None) -> None:
        self._choose("base_dockerfile", _dockerfile_text(value))

    @property
    def build_context(self) -> Any:
        return self._base.get("build_context")

    @build_context.setter
    def build_context(self, value: Any) -> None:
        self._choose("build_context", value)

    def _choose(self, name: str, value: Any) -> None:
        if value:
            for other in _BASES:
                if other != name and self._base.pop(other, None):
                    log.warning("Property %s is mutually exclusive with %s. Reset %s to None", other, name, other)
        self._base[name] = value

    def to_json(self) -> dict[str, Any]:
        """Return the section without the registry's login, which is never written."""
        registry = {"address": self.base_image_registry.address, "username": None, "password": None}
        return {
            "enabled": self.enabled,
            "baseImage": self.base_image,
            "baseDockerfile": self.base_dockerfile,
            "buildContext": self.build_context,
            "sharedVolumes": self.shared_volumes,
            "shmSize": self.shm_size,
            "arguments": list(self.arguments),
            "platform": {"os": self.platform.os, "architecture": self.platform.architecture},
            "baseImageRegistry": {**registry, "registryIdentity": None},
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> DockerSection:
        made = cls()
        registry = found.get("baseImageRegistry") or {}
        made._base = {name: found.get(key) for name, key in _BASES.items()}
        made.enabled = bool(found.get("enabled"))
        made.shared_volumes = found.get("sharedVolumes")
        made.shm_size = found.get("shmSize")
        made.arguments = list(found.get("arguments") or ())
        made.platform = DockerImagePlatform.from_json(found.get("platform") or {})
        made.base_image_registry.address = registry if isinstance(registry, str) else registry.get("address")
        return made


def _dockerfile_text(value: str | IO[str] | None) -> str | None:
    """Return the text of a Dockerfile that is given as text, as a path or as an open file."""
    if value is None or isinstance(value, str):
        is_path = bool(value) and "\n" not in str(value) and Path(str(value)).is_file()
        return file_text(Path(str(value))) if is_path else value
    return value.read()
