"""The keys of the files of Azure ML v2: online deployments, model packages and environments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from hatch_mlpackage.project.azureml_files.nodes import Node  # never guarded: the types of the fields are read
from hatch_mlpackage.project.azureml_files.shapes import Given, PlainSection, spelt


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeConfiguration(PlainSection):
    """The scoring script, in the folder `code`."""

    code: Given[str] | None = None
    scoring_script: Given[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Build(PlainSection):
    """The folder of a Dockerfile."""

    path: Given[str] | None = None
    dockerfile_path: Given[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineEnvironment(PlainSection):
    """An environment in a file of its own, or inside of a deployment; `conda_file` is a path or the contents."""

    schema: Given[str] | None = spelt("$schema")
    name: Given[str] | None = None
    version: Given[str] | None = None
    image: Given[str] | None = None
    conda_file: Given[Node] | None = None
    build: Build | None = None
    description: Given[str] | None = None
    os_type: Given[str] | None = None
    inference_config: Given[Node] | None = None
    tags: Given[Node] | None = None
    properties: Given[Node] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestSettings(PlainSection):
    """The limits of requests; times in milliseconds."""

    request_timeout_ms: Given[int] | None = None
    max_concurrent_requests_per_instance: Given[int] | None = None
    max_queue_wait_ms: Given[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LivenessProbe(PlainSection):
    """When a container counts as dead; times in seconds."""

    initial_delay: Given[int] | None = None
    period: Given[int] | None = None
    timeout: Given[int] | None = None
    success_threshold: Given[int] | None = None
    failure_threshold: Given[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InferencingServer(PlainSection):
    """The server of a model package."""

    type: Given[str] | None = None
    code_configuration: CodeConfiguration | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineDeployment(PlainSection):
    """The keys of an online deployment, managed or in Kubernetes, and of a model package."""

    schema: Given[str] | None = spelt("$schema")
    name: Given[str] | None = None
    type: Given[str] | None = None
    endpoint_name: Given[str] | None = None
    description: Given[str] | None = None
    model: Given[Node] | None = None
    code_configuration: CodeConfiguration | None = None
    inferencing_server: InferencingServer | None = None
    environment: Given[Node] | None = None
    base_environment_source: Given[Node] | None = None
    target_environment: Given[Node] | None = spelt("target_environment", "target_environment_name")
    environment_variables: Given[Node] | None = None
    request_settings: RequestSettings | None = None
    liveness_probe: LivenessProbe | None = None
    readiness_probe: Given[Node] | None = None
    startup_probe: Given[Node] | None = None
    instance_type: Given[str] | None = None
    instance_count: Given[int] | None = None
    scale_settings: Given[Node] | None = None
    resources: Given[Node] | None = None
    app_insights_enabled: Given[bool] | None = None
    data_collector: Given[Node] | None = None
    egress_public_network_access: Given[str] | None = None
    model_mount_path: Given[str] | None = None
    model_configuration: Given[Node] | None = None
    inputs: Given[Node] | None = None
    tags: Given[Node] | None = None
    properties: Given[Node] | None = None

    @property
    def code(self) -> CodeConfiguration:
        """Return the code of the deployment, or of the server in a package."""
        server = self.inferencing_server or InferencingServer()
        return self.code_configuration or server.code_configuration or CodeConfiguration()

    @property
    def local_model(self) -> Given[str] | None:
        """Return the path of a model that is a file or folder here, and not one in the cloud."""
        if self.model is None:
            return None
        node = self.model.value.members.get("path", self.model.value)
        is_remote = node.text.startswith("azureml:") or "://" in node.text
        if is_remote or not isinstance(node.value, str) or not node.text:
            return None
        return Given(key=self.model.key, value=node.text.rstrip("/") or node.text, where=node.where)

    @property
    def model_name(self) -> str:
        """Name the local model as the file does, or else after its file or folder, by the rule for such names."""
        members = self.model.value.members if self.model else {}
        path = self.local_model.value if self.local_model else ""
        stem = re.sub(r"[^a-zA-Z0-9._-]+", "-", PurePosixPath(path).stem).lstrip("._-")
        return (members["name"].text if "name" in members else "") or stem or "model"
