"""The keys of a deployment configuration for this machine, ACI or AKS."""

from __future__ import annotations

from dataclasses import dataclass

from hatch_mlpackage.project.azureml_files.nodes import Node  # never guarded: the types of the fields are read
from hatch_mlpackage.project.azureml_files.shapes import Given, Section, spelt

COMPUTE_TYPES = ("local", "aci", "aks", "aksendpoint")
# The keys that each compute type read; the original ignored the others, whatever their values.
_BOTH = {"containerResourceRequirements", "authEnabled", "appInsightsEnabled", "keys"}
_ACI = {
    *_BOTH,
    "location",
    "sslEnabled",
    "sslCertificate",
    "sslKey",
    "cname",
    "dnsNameLabel",
    "vaultBaseUrl",
    "keyName",
    "keyVersion",
    "vnetName",
    "subnetName",
}
_AKS = {
    *_BOTH,
    "autoScaler",
    "dataCollection",
    "tokenAuthEnabled",
    "scoringTimeoutMs",
    "maxConcurrentRequestsPerContainer",
    "maxQueueWaitMs",
    "maxQueueWaitsMs",
    "numReplicas",
    "gpuCores",
    "livenessProbeRequirements",
    "namespace",
    "computeTargetName",
}
READ_BY = {
    "local": {"port"},
    "aci": _ACI,
    "aks": _AKS,
    "aksendpoint": _AKS - {"computeTargetName"} | {"versionName", "trafficPercentile"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources(Section):
    """The resources of a container; memory in GB."""

    cpu: Given[float] | None = None
    memory: Given[float] | None = spelt("memoryInGB")
    cpu_limit: Given[float] | None = None
    memory_limit: Given[float] | None = spelt("memoryInGBLimit")


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoScaler(Section):
    """How AKS chose the number of containers."""

    autoscale_enabled: Given[bool] | None = None
    min_replicas: Given[int] | None = None
    max_replicas: Given[int] | None = None
    refresh_period_in_seconds: Given[int] | None = None
    target_utilization: Given[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe(Section):
    """When a container counts as dead; times in seconds."""

    period_seconds: Given[int] | None = None
    initial_delay_seconds: Given[int] | None = None
    timeout_seconds: Given[int] | None = None
    success_threshold: Given[int] | None = None
    failure_threshold: Given[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentConfiguration(Section):
    """The keys of `deploymentconfig.json` for every compute type; `unread` are those of other types than its own."""

    compute_type: Given[str] | None = None
    port: Given[int] | None = None
    container_resource_requirements: Resources | None = None
    gpu_cores: Given[int] | None = None
    scoring_timeout_ms: Given[int] | None = None
    max_concurrent_requests: Given[int] | None = spelt("maxConcurrentRequestsPerContainer")
    max_queue_wait_ms: Given[int] | None = spelt("maxQueueWaitMs", "maxQueueWaitsMs")
    liveness_probe: Probe | None = spelt("livenessProbeRequirements")
    auto_scaler: AutoScaler | None = None
    num_replicas: Given[int] | None = None
    auth_enabled: Given[bool] | None = None
    token_auth_enabled: Given[bool] | None = None
    keys: Given[Node] | None = None
    ssl_enabled: Given[bool] | None = None
    ssl_certificate: Given[str] | None = None
    ssl_key: Given[str] | None = None
    cname: Given[str] | None = None
    app_insights_enabled: Given[bool] | None = None
    data_collection: Given[Node] | None = None
    location: Given[str] | None = None
    dns_name_label: Given[str] | None = None
    vault_base_url: Given[str] | None = None
    key_name: Given[str] | None = None
    key_version: Given[str] | None = None
    vnet_name: Given[str] | None = None
    subnet_name: Given[str] | None = None
    namespace: Given[str] | None = None
    compute_target_name: Given[str] | None = None
    version_name: Given[str] | None = None
    traffic_percentile: Given[int] | None = None
