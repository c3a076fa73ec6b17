"""Convert a deployment configuration to keys of `[tool.mlpackage]`, as far as they concern the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.azureml_files.deployment import AutoScaler, DeploymentConfiguration, Probe, Resources

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.report import Draft
    from hatch_mlpackage.project.azureml_files.shapes import Given

_RUN = "set it when you run the image: mlpackage image run --"
_SCALE = "the platform that runs the image decides how many containers there are"
_AUTH = "the original checked it in front of the container; the image asks for no key"
_TLS = "the original ended TLS in front of the container: do the same"
_CERTIFICATE = frozenset({"sslEnabled", "sslCertificate", "sslKey", "cname"})
_CLOUD = "a place or a name in the cloud"
_TELEMETRY = "the image sends nothing: it logs to the standard output"


def convert_deployment(deployment: DeploymentConfiguration, draft: Draft) -> None:
    """Convert a configuration that was read without a problem."""
    kind = deployment.compute_type
    draft.drop(kind, "the image is the same wherever it runs")
    draft.take(deployment.port, "image.port", _value(deployment.port), "the port of mlpackage image run")
    for key, given in (
        ("server.scoring-timeout-ms", deployment.scoring_timeout_ms),
        ("server.max-concurrent-requests", deployment.max_concurrent_requests),
        ("server.max-queue-wait-ms", deployment.max_queue_wait_ms),
    ):
        draft.take(given, key, _value(given))
    probe = deployment.liveness_probe or Probe()
    for key, given in (
        ("interval", probe.period_seconds),
        ("timeout", probe.timeout_seconds),
        ("start-period", probe.initial_delay_seconds),
        ("retries", probe.failure_threshold),
    ):
        draft.take(given, f"image.healthcheck.{key}", _value(given))
    draft.drop(probe.success_threshold, "one answer makes the container healthy")
    _drop_resources(deployment, draft)
    for given, why in _dropped(deployment):
        draft.drop(given, why)
    for unread in deployment.unread:
        draft.drop(unread, _unread(unread.key, kind.value.lower() if kind else ""))
    sections = (deployment.container_resource_requirements, deployment.auto_scaler, deployment.liveness_probe)
    draft.name_unknown(deployment, *sections)


def _drop_resources(deployment: DeploymentConfiguration, draft: Draft) -> None:
    resources = deployment.container_resource_requirements or Resources()
    for cpu in (resources.cpu, resources.cpu_limit):
        draft.drop(cpu, f"{_RUN} --cpus {_value(cpu)}")
    for memory in (resources.memory, resources.memory_limit):
        draft.drop(memory, f"{_RUN} --memory {_value(memory)}g")
    draft.drop(deployment.gpu_cores, f"{_RUN} --gpus {_value(deployment.gpu_cores)}")


def _unread(key: str, kind: str) -> str:
    if kind.startswith("aks") and key in _CERTIFICATE:
        return "AKS takes the certificate from the cluster: only an aci file names one"
    return f"the original did not read it where computeType is {kind}"


def _dropped(found: DeploymentConfiguration) -> Iterator[tuple[Given[Any] | None, str]]:
    scaler = found.auto_scaler or AutoScaler()
    for why, several in (
        (_SCALE, (found.num_replicas, scaler.autoscale_enabled, scaler.min_replicas, scaler.max_replicas)),
        (_SCALE, (scaler.refresh_period_in_seconds, scaler.target_utilization)),
        (_AUTH, (found.auth_enabled, found.token_auth_enabled, found.keys)),
        (_TLS, (found.ssl_enabled, found.ssl_certificate, found.ssl_key, found.cname)),
        (_TLS, (found.vault_base_url, found.key_name, found.key_version)),
        (_TELEMETRY, (found.app_insights_enabled, found.data_collection)),
        (_CLOUD, (found.location, found.dns_name_label, found.vnet_name, found.subnet_name, found.namespace)),
        (_CLOUD, (found.compute_target_name, found.version_name, found.traffic_percentile)),
    ):
        yield from ((given, why) for given in several)


def _value(given: Given[Any] | None) -> Any:
    value = given.value if given else None
    return int(value) if isinstance(value, float) and value.is_integer() else value
