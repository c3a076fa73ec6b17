"""Read an Environment from `azureml_environment.json` or an inference configuration, and check it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.azureml_files.nodes import Node  # never guarded: the types of the fields are read
from hatch_mlpackage.project.azureml_files.shapes import Given, Section, spelt

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

_CONDA_KEYS = frozenset({"name", "channels", "dependencies", "prefix", "variables"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry(Section):
    """The registry of a base image and its login; the password is never shown or written."""

    address: Given[str] | None = None
    username: Given[str] | None = None
    password: Given[str] | None = None
    registry_identity: Given[Node] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform(Section):
    """The operating system and processor of the image."""

    os: Given[str] | None = None
    architecture: Given[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext(Section):
    """A folder elsewhere (`git`, `storageAccount`) with the Dockerfile of the base image."""

    location_type: Given[str] | None = None
    location: Given[str] | None = None
    dockerfile_path: Given[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Docker(Section):
    """The base image, and how the original ran containers."""

    enabled: Given[bool] | None = None
    base_image: Given[str] | None = None
    base_dockerfile: Given[str] | None = None
    build_context: BuildContext | None = None
    base_image_registry: Registry | None = spelt("baseImageRegistry", text_as="address")
    platform: Platform | None = None
    shm_size: Given[str] | None = None
    shared_volumes: Given[bool] | None = None
    arguments: Given[Node] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Python(Section):
    """The packages: those of conda, listed here or in a file, or those in the base image."""

    user_managed_dependencies: Given[bool] | None = None
    interpreter_path: Given[str] | None = None
    conda_dependencies: Given[Node] | None = None
    conda_dependencies_file: Given[str] | None = None
    base_conda_environment: Given[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentDefinition(Section):
    """The keys of an Environment; one with only a name and a version refers to one that a workspace keeps."""

    name: Given[str] | None = None
    version: Given[str] | None = None
    asset_id: Given[str] | None = None
    environment_variables: Given[Node] | None = None
    python: Python | None = None
    docker: Docker | None = None
    inferencing_stack_version: Given[str] | None = None
    spark: Given[Node] | None = None
    databricks: Given[Node] | None = None
    r: Given[Node] | None = None

    @property
    def is_reference(self) -> bool:
        contents = (self.environment_variables, self.python, self.docker, self.spark, self.databricks, self.r)
        return bool(self.name and self.name.value) and not any(contents) and not self.unknown


def with_saved_files(environment: EnvironmentDefinition, folder: Path) -> EnvironmentDefinition:
    """Add the files that `save_to_directory` wrote beside the definition, where it names no others."""
    python, docker = environment.python or Python(), environment.docker or Docker()
    conda, dockerfile = _saved(folder / "conda_dependencies.yml"), _saved(folder / "BaseDockerfile")
    if not (python.conda_dependencies or python.conda_dependencies_file):
        python = replace(python, conda_dependencies_file=conda)
    if not (docker.base_dockerfile or docker.base_image):
        docker = replace(docker, base_dockerfile=dockerfile)
    return replace(environment, python=python, docker=docker)


def _saved(path: Path) -> Given[str] | None:
    return Given(key=path.name, value=str(path.absolute()), where=path.as_posix()) if path.is_file() else None


def check_environment(environment: EnvironmentDefinition, problems: Problems) -> None:
    """Report everything that the original refused."""
    docker = environment.docker or Docker()
    if docker.base_image and docker.base_image.value and docker.base_dockerfile and docker.base_dockerfile.value:
        given = docker.base_dockerfile
        problems.add(given.where, f"{given.key} cannot be given beside baseImage.", "Keep one of the two.")
    platform = docker.platform or Platform()
    if platform.os and platform.os.value.lower() != "linux":
        problems.add(
            platform.os.where, f"{platform.os.key} is '{platform.os.value}'.", "Images are for Linux: remove it."
        )
    variables = environment.environment_variables
    if variables:
        check_variables(variables, problems)
    conda = (environment.python or Python()).conda_dependencies
    if conda:
        _check_conda(conda, problems)


def check_variables(variables: Given[Node], problems: Problems) -> None:
    """Report variables that are no object of texts."""
    members = variables.value.value
    if not isinstance(members, Mapping):
        what = f"{variables.key} must be an object, not {variables.value.described()}."
        problems.add(variables.where, what, 'Write {"NAME": "value"}.')
        return
    for name, node in members.items():
        if isinstance(node.value, tuple | Mapping):
            what = f"{variables.key}.{name} must be text, not {node.described()}."
            problems.add(node.where, what, "Write one value, in quotes.")


def _check_conda(conda: Given[Node], problems: Problems) -> None:
    members = conda.value.value
    if not isinstance(members, Mapping):
        what = f"{conda.key} must be an object, not {conda.value.described()}."
        problems.add(conda.where, what, "Name a conda file with condaDependenciesFile.")
        return
    for key, node in members.items():
        if key not in _CONDA_KEYS:
            hint = did_you_mean(key, _CONDA_KEYS) or f"Known are {', '.join(sorted(_CONDA_KEYS))}."
            problems.add(node.where, f"{conda.key}.{key} is not a key of a conda file.", hint)
    for key in ("channels", "dependencies"):
        if key in members:
            _check_items(members[key], f"{conda.key}.{key}", problems)


def _check_items(node: Node, where: str, problems: Problems) -> None:
    """Report items of a list that are not text, also in the lists of its objects (`pip`)."""
    if node.value is None:
        return
    for item in node.value if isinstance(node.value, tuple) else (node,):
        if isinstance(item.value, Mapping) and where.endswith(".dependencies"):
            for key, inner in item.value.items():
                _check_items(inner, f"{where}.{key}", problems)
        elif not isinstance(item.value, str) or not item.value.strip():
            problems.add(item.where, f"{where} holds {item.described()}, not text.", "Remove it, or quote it.")
