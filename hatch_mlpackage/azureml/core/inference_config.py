"""The original's InferenceConfig: an entry script and its environment, checked when it is made."""

from __future__ import annotations

import keyword
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment import Environment
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.azureml.local.cloud_only import with_cloud_only_members
from hatch_mlpackage.files.parse import parse_python
from hatch_mlpackage.files.read import file_bytes

log = logging.getLogger(__name__)

_RUNTIMES = ("spark-py", "python")
_HIDDEN_RUNTIMES = ("python-slim",)
# The arguments that are JSON values, with their keys.
_KEYS = {
    "entry_script": "entryScript",
    "source_directory": "sourceDirectory",
    "description": "description",
    "runtime": "runtime",
    "conda_file": "condaFile",
    "extra_docker_file_steps": "extraDockerfileSteps",
    "enable_gpu": "enableGpu",
    "cuda_version": "cudaVersion",
    "base_image": "baseImage",
}
_CUDA_VERSIONS = ("9.0", "9.1", "10.0")


@with_cloud_only_members
class InferenceConfig:
    """An entry script with `init()` and `run()`, and either an environment or the older arguments in its place.

    Paths are relative to `source_directory`, or to the current folder without one.
    Raises WebserviceException or UserErrorException for a configuration that cannot be served.
    """

    def __init__(
        self,
        entry_script: str,
        runtime: str | None = None,
        conda_file: str | None = None,
        extra_docker_file_steps: str | None = None,
        source_directory: str | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = source_directory
        self.enable_gpu = enable_gpu
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry or ContainerRegistry()
        self.cuda_version = cuda_version
        self.environment = environment
        self.validate_configuration()

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value}" for key, value in self.to_json().items() if key != "environment")
        return f"InferenceConfig({shown})"

    def validate_configuration(self) -> None:
        """Raise WebserviceException, or UserErrorException for a script that is not Python, in the original's words."""
        if not self.entry_script:
            raise WebserviceException("Error, need to specify entry_script.")
        self._check_environment()
        if self.source_directory:
            self.source_directory = os.path.realpath(self.source_directory)
            _require(Path(self.source_directory), "source directory {} doesn't exist. ")
        _require(
            self.path_of(self.entry_script),
            "entry_script {} doesn't exist. entry_script should be path relative to "
            f"{'source_directory' if self.source_directory else 'current working directory'}",
        )
        self._check_script_name()
        self._check_choices()
        for path, message in (
            (self.conda_file, "Conda file {} doesn't exist. "),
            (self.extra_docker_file_steps, "extra docker file steps {} doesn't exist. "),
        ):
            if path:
                _require(self.path_of(path), message)
        self._check_script()

    def _check_environment(self) -> None:
        environment = self.environment
        if environment is None:
            return
        older = (self.runtime, self.conda_file, self.extra_docker_file_steps, self.enable_gpu, self.cuda_version)
        if any((*older, self.base_image)):
            raise WebserviceException(
                "Error, unable to provide runtime, conda_file, extra_docker_file_steps, enable_gpu, cuda_version, or "
                "base_image along with an environment object."
            )
        if environment.docker.base_dockerfile and environment.docker.base_image:
            raise WebserviceException(
                "Error, only one of base_dockerfile or base_image should be provided to the environment.docker object."
            )

    def _check_script_name(self) -> None:
        name = Path(self.entry_script)
        if name.suffix != ".py":
            raise WebserviceException("Invalid driver type. Currently only Python drivers are supported.")
        if not name.stem.isidentifier() or keyword.iskeyword(name.stem):
            raise WebserviceException(
                f'Error, invalid name "{name.stem}" for provided entry script. The script must be importable as a '
                "valid python module, and must adhere to standard module naming. This means it must be a valid python "
                "identifier and not a part of the set of python standard keywords."
            )

    def _check_choices(self) -> None:
        if self.runtime and self.runtime.lower() not in (*_RUNTIMES, *_HIDDEN_RUNTIMES):
            raise WebserviceException(f"Provided runtime not supported. Possible runtimes are: {'|'.join(_RUNTIMES)}")
        if self.cuda_version is not None and self.cuda_version not in _CUDA_VERSIONS:
            raise WebserviceException(
                f"Provided cuda_version not supported. Possible cuda_versions are: {'|'.join(_CUDA_VERSIONS)}"
            )

    def _check_script(self) -> None:
        path = self.path_of(self.entry_script)
        try:
            parse_python(file_bytes(path), str(path))
        except OSError:
            raise UserErrorException(
                f"Failed to open {path}, please check if it exists and the read permission. "
                "We can not deploy the model if we can not access this file."
            ) from None
        except (SyntaxError, ValueError) as error:
            raise UserErrorException(f"{error}. Please check it and try local deployment to verify.") from error

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> InferenceConfig:
        """Make a configuration of the original's JSON form; raises what the constructor raises."""
        registry = ContainerRegistry()
        registry.address = (found.get("baseImageRegistry") or {}).get("address")
        values: dict[str, Any] = {name: found.get(key) for name, key in _KEYS.items()}
        values["entry_script"] = found.get("entryScript", "")
        environment = Environment.from_json(found["environment"]) if found.get("environment") else None
        return InferenceConfig(**values, base_image_registry=registry, environment=environment)

    def to_absolute_json(self) -> dict[str, Any]:
        """Return the JSON form with absolute paths, which mean the same in every current folder."""
        document = self.to_json()
        for key in () if self.source_directory else ("entryScript", "condaFile", "extraDockerfileSteps"):
            if key in document:
                document[key] = str(self.path_of(document[key]))
        return document

    def path_of(self, path: str) -> Path:
        """Return the absolute path of a file that an argument names."""
        return Path(self.source_directory or "", path).absolute()

    def to_json(self) -> dict[str, Any]:
        """Return the original's JSON form, without the registry's login."""
        values = {key: getattr(self, name) for name, key in _KEYS.items()}
        address = self.base_image_registry.address
        values["baseImageRegistry"] = {"address": address} if address else None
        values["environment"] = self.environment.to_json() if self.environment else None
        return {key: value for key, value in values.items() if value is not None}


def _require(path: Path, message: str) -> None:
    if not path.exists():
        raise WebserviceException(message.format(path))
