"""Read the files of Azure ML v2 for online deployments and model packages as configurations of v1."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.project.azureml_files.deployment import DeploymentConfiguration, Probe
from hatch_mlpackage.project.azureml_files.environment import (
    Docker,
    EnvironmentDefinition,
    Python,
    check_environment,
    check_variables,
)
from hatch_mlpackage.project.azureml_files.inference import InferenceConfiguration
from hatch_mlpackage.project.azureml_files.online import (
    Build,
    LivenessProbe,
    OnlineDeployment,
    OnlineEnvironment,
    RequestSettings,
)
from hatch_mlpackage.project.azureml_files.read_deployment import check_deployment
from hatch_mlpackage.project.azureml_files.shapes import Given, read_section

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.nodes import Node

_SIGNS = frozenset({"code_configuration", "endpoint_name", "inferencing_server", "base_environment_source"})
_NO_SCRIPT = "Only files with a scoring script are imported. A model alone is served by its framework:"


def is_online(node: Node) -> bool:
    """Tell whether a file is one of Azure ML v2, whose keys have underscores."""
    return not _SIGNS.isdisjoint(node.members)


def read_online(node: Node, problems: Problems) -> OnlineDeployment:
    """Read and check a deployment or a package; use it only where no problem was added."""
    found = read_section(OnlineDeployment, node, problems)
    script = found.code.scoring_script
    if script is None or not script.value.strip():
        what = "code_configuration.scoring_script is missing."
        problems.add(node.where, what, f"{_NO_SCRIPT} {_serve_alone(found, node)}")
    if found.environment_variables:
        check_variables(found.environment_variables, problems)
    return found


def _serve_alone(online: OnlineDeployment, node: Node) -> str:
    """Return the command that locks a model without a script, which Azure ML takes from MLflow alone."""
    local = online.local_model
    if local is None:
        return "mlpackage lock --model NAME=PATH --framework mlflow"
    path = os.path.normpath(PurePosixPath(node.path).parent / local.value)
    above = "/".join(part for part in PurePosixPath(path).parts if part == "..")
    project = ("--project", above) if above else ()
    return shown_command(
        ("mlpackage", "lock", *project, "--model", f"{online.model_name}={path}", "--framework", "mlflow")
    )


def as_inference(online: OnlineDeployment, problems: Problems) -> InferenceConfiguration:
    """Return the inference configuration of a deployment, with the keys and lines of its own file."""
    code = online.code
    environment = _environment_of(online, problems)
    check_environment(environment, problems)
    return InferenceConfiguration(
        where=online.where,
        unknown=(*online.unknown, *code.unknown),
        repeated=online.repeated,
        entry_script=code.scoring_script,
        source_directory=code.code,
        description=online.description,
        environment=environment,
    )


def as_deployment(online: OnlineDeployment, problems: Problems) -> DeploymentConfiguration:
    """Return what a deployment says about requests and probes."""
    settings, probe = online.request_settings or RequestSettings(), online.liveness_probe or LivenessProbe()
    deployment = DeploymentConfiguration(
        where=online.where,
        unknown=(*settings.unknown, *probe.unknown),
        scoring_timeout_ms=settings.request_timeout_ms,
        max_concurrent_requests=settings.max_concurrent_requests_per_instance,
        max_queue_wait_ms=settings.max_queue_wait_ms,
        liveness_probe=Probe(
            period_seconds=probe.period,
            initial_delay_seconds=probe.initial_delay,
            timeout_seconds=probe.timeout,
            success_threshold=probe.success_threshold,
            failure_threshold=probe.failure_threshold,
        ),
        app_insights_enabled=online.app_insights_enabled,
        data_collection=online.data_collector,
    )
    check_deployment(deployment, problems)
    return deployment


def is_environment(node: Node) -> bool:
    """Tell whether a file of its own holds an environment of v2."""
    return not {"conda_file", "image", "build"}.isdisjoint(node.members)


def read_online_environment(node: Node, problems: Problems, *, prefix: str = "") -> EnvironmentDefinition:
    """Read an environment of v2; without a conda file, its packages are those of its image."""
    found = read_section(OnlineEnvironment, node, problems, prefix=prefix)
    conda, build = found.conda_file, found.build or Build()
    dockerfile = build.path and replace(build.path, value=_dockerfile(build))
    is_text = conda is not None and not isinstance(conda.value.value, Mapping)
    image = found.image or dockerfile
    managed: Given[bool] | None = None
    file: Given[str] | None = None
    if image and not conda:
        managed = Given(key=image.key, value=True, where=image.where)
    if conda and is_text:
        file = Given(key=conda.key, value=conda.value.text, where=conda.where)
    python = Python(
        user_managed_dependencies=managed,
        conda_dependencies_file=file,
        conda_dependencies=conda if conda and not is_text else None,
    )
    docker = Docker(base_image=found.image, base_dockerfile=dockerfile, unknown=build.unknown)
    return EnvironmentDefinition(
        where=node.where,
        unknown=found.unknown,
        unread=tuple(_only_in_the_cloud(found)),
        repeated=found.repeated,
        name=found.name,
        version=found.version,
        python=python,
        docker=docker,
    )


def _only_in_the_cloud(found: OnlineEnvironment) -> Iterator[Given[Any]]:
    several: tuple[Given[Any] | None, ...] = (found.schema, found.description, found.os_type, found.inference_config)
    yield from filter(None, (*several, found.tags, found.properties))


def _dockerfile(build: Build) -> str:
    name = build.dockerfile_path.value if build.dockerfile_path else "Dockerfile"
    return (PurePosixPath(build.path.value if build.path else "") / name).as_posix()


def _environment_of(online: OnlineDeployment, problems: Problems) -> EnvironmentDefinition:
    given = online.environment or online.base_environment_source
    if given is None:
        return EnvironmentDefinition(where=online.where)
    node = given.value
    if online.environment and isinstance(node.value, Mapping):
        return read_online_environment(node, problems, prefix="environment.")
    named = node.members.get("resource_id", node)
    return EnvironmentDefinition(where=node.where, name=Given(key=given.key, value=named.text, where=named.where))
