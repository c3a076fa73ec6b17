"""The original's Environment, in which a model runs, with its JSON form and its files."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hatch_mlpackage.azureml.core.conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies
from hatch_mlpackage.azureml.core.environment_sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerImagePlatform,
    DockerSection,
    PythonSection,
)
from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes, with_cloud_only_members
from hatch_mlpackage.azureml.local.environments import add_environment, environment_names, find_environment
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.read import file_bytes, file_text
from hatch_mlpackage.files.replace import replace_text

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
    from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "PythonSection",
]

log = logging.getLogger(__name__)

DEFINITION = "azureml_environment.json"
CONDA_FILE = "conda_dependencies.yml"
BASE_DOCKERFILE = "BaseDockerfile"
_SPARK = {"repositories": [], "packages": [], "precachePackages": True}
_DATABRICKS: Mapping[str, Any] = {f"{kind}Libraries": [] for kind in ("maven", "pypi", "rcran", "jar", "egg")}


@with_cloud_only_members
class Environment:
    """Python packages, a base image and environment variables under one name."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"Environment name expected str, {type(name)} found")
        self.name = name
        self.version: str | None = None
        self.environment_variables: dict[str, str] = {}
        self.python = PythonSection()
        self.docker = DockerSection()
        self.inferencing_stack_version: str | None = None
        self.asset_id: str | None = None
        self.spark: dict[str, Any] = copy.deepcopy(_SPARK)
        self.databricks: dict[str, Any] = copy.deepcopy(dict(_DATABRICKS))
        self.r: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return json.dumps(self.to_json(), indent=4)

    def to_json(self) -> dict[str, Any]:
        """Return the original's JSON form."""
        return {
            "name": self.name,
            "version": self.version,
            "assetId": self.asset_id,
            "environmentVariables": dict(self.environment_variables),
            "python": self.python.to_json(),
            "docker": self.docker.to_json(),
            "spark": copy.deepcopy(self.spark),
            "databricks": copy.deepcopy(self.databricks),
            "r": copy.deepcopy(self.r),
            "inferencingStackVersion": self.inferencing_stack_version,
        }

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> Environment:
        """Make an environment of the original's JSON form; missing keys become None or empty, not the defaults."""
        made = Environment(str(found.get("name")))
        made.version = found.get("version")
        made.asset_id = found.get("assetId")
        made.environment_variables = dict(found.get("environmentVariables") or {})
        made.python = PythonSection.from_json(found.get("python") or {})
        made.docker = DockerSection.from_json(found.get("docker") or {})
        made.inferencing_stack_version = found.get("inferencingStackVersion")
        made.spark = copy.deepcopy(found.get("spark") or {})
        made.databricks = copy.deepcopy(found.get("databricks") or {})
        made.r = copy.deepcopy(found.get("r"))
        return made

    def register(self, workspace: WorkspaceFolder) -> Environment:
        """Keep the environment in the workspace and return it as it is kept.

        Without a version it gets the last one if nothing changed, else the next one. Raises UserErrorException where
        the version is registered with other contents.
        """
        return Environment.from_json(add_environment(workspace.folder, self.to_json()))

    def clone(self, new_name: str) -> Environment:
        """Copy the environment under another name, without a version."""
        if not new_name:
            raise UserErrorException("Name is required to instantiate an Environment object")
        made = Environment.from_json(self.to_json())
        made.name, made.version = new_name, None
        return made

    @staticmethod
    def get(workspace: WorkspaceFolder, name: str, version: str | None = None, label: str | None = None) -> Environment:
        """Return a registered environment, the latest one unless a version is given.

        Raises UserErrorException where it is not registered.
        """
        if label and version:
            raise UserErrorException("Only one of version or label can be specified")
        if label and label.lower() != "latest":
            raise UserErrorException(f'Label "{label}" is not known: only "Latest" is. Name the version instead.')
        return Environment.from_json(find_environment(workspace, name, version))

    @staticmethod
    def list(workspace: WorkspaceFolder) -> dict[str, Environment]:
        """Return the latest version of every registered environment, by name."""
        return {name: Environment.get(workspace, name) for name in environment_names(workspace.folder)}

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        """Make an environment of a conda file; where the file asks for no Python, ask for 3.10.18."""
        conda = CondaDependencies(conda_dependencies_file_path=file_path)
        if not conda.get_python_version():
            log.warning('No Python version provided, defaulting to "%s"', PYTHON_DEFAULT_VERSION)
            conda.set_python_version(PYTHON_DEFAULT_VERSION)
        return _with_conda(name, conda)

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: str | None = None) -> Environment:
        """Make an environment of a requirements file; its lines replace `azureml-defaults`."""
        conda = CondaDependencies()
        conda.set_pip_requirements(file_text(Path(file_path)).splitlines())
        conda.add_conda_package(f"pip={pip_version}" if pip_version else "pip")
        return _with_conda(name, conda)

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Environment:
        """Make an environment on an image, with the image's packages unless a file of packages is given."""
        made = _with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        made.docker.base_image_registry = container_registry or made.docker.base_image_registry
        return made

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: str | IO[str],
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Environment:
        """Make an environment on the image of a Dockerfile, given as text, as a path or as an open file."""
        made = _with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = None
        made.docker.base_dockerfile = dockerfile
        return made

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """Write azureml_environment.json, and conda_dependencies.yml and BaseDockerfile where they have contents.

        Raises FileExistsError where the folder exists, unless `overwrite` is set.
        """
        folder, document = Path(path), self.to_json()
        folder.mkdir(parents=True, exist_ok=overwrite)
        texts = {CONDA_FILE: None, BASE_DOCKERFILE: document["docker"]["baseDockerfile"]}
        if self.python.conda_dependencies:
            texts[CONDA_FILE] = self.python.conda_dependencies.serialize_to_string()
            del document["python"]["condaDependencies"]
        if texts[BASE_DOCKERFILE]:
            del document["docker"]["baseDockerfile"]
        for name, text in texts.items():
            if text:
                replace_text(folder / name, text)
            else:
                (folder / name).unlink(missing_ok=True)
        replace_text(folder / DEFINITION, json.dumps(document, indent=4))

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """Read the files that `save_to_directory` wrote.

        Raises FileNotFoundError where azureml_environment.json is missing.
        """
        folder = Path(path)
        made = Environment.from_json(parse_json(file_bytes(folder / DEFINITION)))
        if (folder / CONDA_FILE).is_file():
            made.python.conda_dependencies = CondaDependencies(str(folder / CONDA_FILE))
        if (folder / BASE_DOCKERFILE).is_file():
            made.docker.base_dockerfile = file_text(folder / BASE_DOCKERFILE)
        return made


def _with_conda(name: str, conda: CondaDependencies) -> Environment:
    made = Environment(name)
    made.python.conda_dependencies = conda
    return made


def _with_packages(name: str, conda_specification: str | None, pip_requirements: str | None) -> Environment:
    if conda_specification and pip_requirements:
        raise UserErrorException(
            "Only one of conda_specification or pip_requirements can be specified as python dependencies"
        )
    if conda_specification:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements:
        return Environment.from_pip_requirements(name, pip_requirements)
    made = Environment(name)
    made.python.user_managed_dependencies = True
    return made


globals().update(cloud_only_classes("core.environment"))
