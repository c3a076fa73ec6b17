"""Read a deployment configuration for this machine, ACI or AKS, and check what the original checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.azureml_files.nodes import Node  # never guarded: the types of the fields are read
from hatch_mlpackage.project.azureml_files.shapes import Given, Section, read_section, spelt

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

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
_READ_BY = {
    "local": {"port"},
    "aci": _ACI,
    "aks": _AKS,
    "aksendpoint": _AKS - {"computeTargetName"} | {"versionName", "trafficPercentile"},
}
_LAST_PORT = 65535
_PERCENT = 100
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?")


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


def read_deployment(node: Node, problems: Problems) -> DeploymentConfiguration:
    """Read and check a configuration; use it only where no problem was added."""
    read, unread = _by_compute_type(node)
    found = replace(read_section(DeploymentConfiguration, read, problems), unread=unread)
    kind = found.compute_type
    if kind is None:
        problems.add(node.where, "computeType is required and missing.", f"Use one of {', '.join(COMPUTE_TYPES)}.")
    elif kind.value.lower() not in COMPUTE_TYPES:
        what = f"computeType '{kind.value}' is not one of {', '.join(COMPUTE_TYPES)}."
        problems.add(kind.where, what, did_you_mean(kind.value.lower(), COMPUTE_TYPES))
    check_deployment(found, problems)
    return found


def check_deployment(found: DeploymentConfiguration, problems: Problems) -> None:
    """Report the values that the original refused."""
    for where, what in (*_wrong_numbers(found), *_wrong_pairs(found)):
        problems.add(where, what)


def _by_compute_type(node: Node) -> tuple[Node, tuple[Given[Node], ...]]:
    """Split off the keys that the file's compute type did not read, and some other type did."""
    kind = node.members.get("computeType")
    read = _READ_BY.get(kind.text.lower() if kind else "")
    if read is None:
        return node, ()
    others = set().union(*_READ_BY.values()) - read
    unread = [Given(key=key, value=member, where=member.where) for key, member in node.members.items() if key in others]
    members = {key: member for key, member in node.members.items() if key not in others}
    return replace(node, value=members), tuple(unread)


def _wrong_numbers(found: DeploymentConfiguration) -> Iterator[tuple[str, str]]:
    resources = found.container_resource_requirements or Resources()
    scaler, probe = found.auto_scaler or AutoScaler(), found.liveness_probe or Probe()
    positive = (
        *(resources.cpu, resources.memory, resources.cpu_limit, resources.memory_limit),
        *(found.scoring_timeout_ms, found.max_concurrent_requests),
        *(found.num_replicas, scaler.min_replicas, scaler.max_replicas),
        *(scaler.refresh_period_in_seconds, scaler.target_utilization),
        *(probe.period_seconds, probe.timeout_seconds, probe.success_threshold, probe.failure_threshold),
    )
    for given in positive:
        if given and given.value <= 0:
            yield given.where, f"{given.key} must be greater than zero, not {given.value:g}."
    for given in (found.gpu_cores, found.max_queue_wait_ms, probe.initial_delay_seconds):
        if given and given.value < 0:
            yield given.where, f"{given.key} must be zero or more, not {given.value}."
    if found.port and not 1 <= found.port.value <= _LAST_PORT:
        yield found.port.where, f"port must be between 1 and {_LAST_PORT}, not {found.port.value}."
    share = found.traffic_percentile
    if share and not 0 <= share.value <= _PERCENT:
        yield share.where, f"{share.key} must be between 0 and {_PERCENT}, not {share.value}."


def _wrong_pairs(found: DeploymentConfiguration) -> Iterator[tuple[str, str]]:
    resources, scaler = found.container_resource_requirements or Resources(), found.auto_scaler or AutoScaler()
    for least, most in (
        (resources.cpu, resources.cpu_limit),
        (resources.memory, resources.memory_limit),
        (scaler.min_replicas, scaler.max_replicas),
    ):
        if least and most and least.value > most.value:
            yield most.where, f"{most.key} is {most.value:g}, less than {least.key}, {least.value:g}."
    yield from _wrong_scale(found, scaler)
    auth, token = found.auth_enabled, found.token_auth_enabled
    if auth and auth.value and token and token.value:
        yield token.where, "authEnabled and tokenAuthEnabled cannot both be true."
    yield from _wrong_addresses(found)


def _wrong_scale(found: DeploymentConfiguration, scaler: AutoScaler) -> Iterator[tuple[str, str]]:
    """Yield contradictions about scaling; numReplicas alone means that there is none."""
    enabled, replicas = scaler.autoscale_enabled, found.num_replicas
    if enabled and enabled.value and replicas:
        yield replicas.where, f"numReplicas cannot be given where {enabled.key} is true."
    if enabled and not enabled.value and not replicas:
        yield enabled.where, f"{enabled.key} is false, and numReplicas is missing."
    if enabled.value if enabled else not replicas:
        return
    for given in filter(None, (scaler.min_replicas, scaler.max_replicas)):
        yield given.where, f"{given.key} cannot be given without autoScaler.autoscaleEnabled."


def _wrong_addresses(found: DeploymentConfiguration) -> Iterator[tuple[str, str]]:
    if found.ssl_enabled and found.ssl_enabled.value and not (found.ssl_certificate and found.ssl_key and found.cname):
        yield found.ssl_enabled.where, "sslEnabled needs sslCertificate, sslKey and cname."
    network = found.vnet_name or found.subnet_name
    if network and not (found.vnet_name and found.subnet_name):
        yield network.where, "vnetName and subnetName go together: one of them is missing."
    if found.namespace and not _NAMESPACE.fullmatch(found.namespace.value):
        yield found.namespace.where, f"namespace '{found.namespace.value}' is not a valid name in Kubernetes."
