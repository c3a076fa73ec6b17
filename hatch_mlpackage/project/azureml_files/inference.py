"""Read an inference configuration, and check what the original checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.azureml_files.environment import (
    EnvironmentDefinition,
    Registry,
    check_environment,
)
from hatch_mlpackage.project.azureml_files.shapes import Given, Section, read_section, spelt

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.nodes import Node

# `python-slim` was never documented; the original treated it as `python`.
RUNTIMES = ("python", "python-slim", "spark-py")
CUDA_VERSIONS = ("9.0", "9.1", "10.0")
_ONE_ENVIRONMENT = (
    "cannot be given beside an environment: the original refused runtime, condaFile, extraDockerfileSteps, enableGpu, "
    "cudaVersion and baseImage with one."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceConfiguration(Section):
    """The keys of `inferenceconfig.json`: packages and image are in `environment`, or in the flat keys beside it."""

    entry_script: Given[str] | None = None
    source_directory: Given[str] | None = None
    description: Given[str] | None = None
    environment: EnvironmentDefinition | None = None
    runtime: Given[str] | None = None
    conda_file: Given[str] | None = None
    extra_dockerfile_steps: Given[str] | None = spelt("extraDockerfileSteps", "extraDockerFileSteps")
    enable_gpu: Given[bool] | None = None
    cuda_version: Given[str] | None = None
    base_image: Given[str] | None = None
    base_image_registry: Registry | None = spelt("baseImageRegistry", text_as="address")

    @property
    def flat(self) -> tuple[Given[str] | Given[bool], ...]:
        """Return the flat keys that have a value."""
        given = (self.runtime, self.conda_file, self.extra_dockerfile_steps, self.enable_gpu, self.cuda_version)
        return tuple(one for one in (*given, self.base_image) if one and one.value)


def read_inference(node: Node, problems: Problems) -> InferenceConfiguration:
    """Read and check a configuration; use it only where no problem was added."""
    found = read_section(InferenceConfiguration, node, problems)
    members = node.value if isinstance(node.value, Mapping) else {"entryScript": node}
    if "entryScript" not in members or members["entryScript"].is_empty:
        fix = 'Write "entryScript": "score.py".'
        if {"python", "docker"} & members.keys():
            fix = "This is an Environment: give it with --environment, beside an inference configuration."
        problems.add(node.where, "entryScript is required and missing.", fix)
    if found.environment:
        check_environment(found.environment, problems)
        for one in found.flat:
            problems.add(one.where, f"{one.key} {_ONE_ENVIRONMENT}", "Keep one of the two.")
    _check_choice(found.runtime, RUNTIMES, problems)
    _check_choice(found.cuda_version, CUDA_VERSIONS, problems)
    return found


def _check_choice(given: Given[str] | None, allowed: tuple[str, ...], problems: Problems) -> None:
    if given and given.value and given.value.lower() not in allowed:
        shown = ", ".join(allowed)
        hint = did_you_mean(given.value.lower(), allowed)
        what = f"{given.key} '{given.value}' is not one of {shown}."
        problems.add(given.where, what, hint or "Choose one of them, or remove it.")


def read_environment_file(node: Node, problems: Problems) -> EnvironmentDefinition:
    """Read and check an Environment in a file of its own, as `save_to_directory` writes it."""
    found = read_section(EnvironmentDefinition, node, problems)
    check_environment(found, problems)
    return found
