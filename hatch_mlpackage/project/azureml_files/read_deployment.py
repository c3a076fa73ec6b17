"""Read a deployment configuration, and check what the original checked for its compute type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.azureml_files.deployment import (
    COMPUTE_TYPES,
    READ_BY,
    AutoScaler,
    DeploymentConfiguration,
    Probe,
    Resources,
)
from hatch_mlpackage.project.azureml_files.shapes import Given, read_section

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.nodes import Node

_LAST_PORT = 65535
_PERCENT = 100
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?")
_Wrong = tuple[str, str, str]  # where, what, and the next step


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
    for where, what, fix in (*_wrong_numbers(found), *_wrong_pairs(found)):
        problems.add(where, what, fix)


def _by_compute_type(node: Node) -> tuple[Node, tuple[Given[Node], ...]]:
    """Split off the keys that the file's compute type did not read, and some other type did."""
    kind = node.members.get("computeType")
    read = READ_BY.get(kind.text.lower() if kind else "")
    if read is None:
        return node, ()
    others = set().union(*READ_BY.values()) - read
    unread = [Given(key=key, value=member, where=member.where) for key, member in node.members.items() if key in others]
    members = {key: member for key, member in node.members.items() if key not in others}
    return replace(node, value=members), tuple(unread)


def _wrong_numbers(found: DeploymentConfiguration) -> Iterator[_Wrong]:
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
            yield given.where, f"{given.key} must be greater than zero, not {given.value:g}.", "Raise it, or remove it."
    for given in (found.gpu_cores, found.max_queue_wait_ms, probe.initial_delay_seconds):
        if given and given.value < 0:
            yield given.where, f"{given.key} must be zero or more, not {given.value}.", "Raise it, or remove it."
    if found.port and not 1 <= found.port.value <= _LAST_PORT:
        what = f"port must be between 1 and {_LAST_PORT}, not {found.port.value}."
        yield found.port.where, what, "Write such a port, or remove it."
    share = found.traffic_percentile
    if share and not 0 <= share.value <= _PERCENT:
        what = f"{share.key} must be between 0 and {_PERCENT}, not {share.value}."
        yield share.where, what, "Write such a number, or remove it."


def _wrong_pairs(found: DeploymentConfiguration) -> Iterator[_Wrong]:
    resources, scaler = found.container_resource_requirements or Resources(), found.auto_scaler or AutoScaler()
    for least, most in (
        (resources.cpu, resources.cpu_limit),
        (resources.memory, resources.memory_limit),
        (scaler.min_replicas, scaler.max_replicas),
    ):
        if least and most and least.value > most.value:
            what = f"{most.key} is {most.value:g}, less than {least.key}, {least.value:g}."
            yield most.where, what, f"Write {least.value:g} or more."
    yield from _wrong_scale(found, scaler)
    auth, token = found.auth_enabled, found.token_auth_enabled
    if auth and auth.value and token and token.value:
        yield token.where, "authEnabled and tokenAuthEnabled cannot both be true.", "Set one of them to false."
    yield from _wrong_addresses(found)


def _wrong_scale(found: DeploymentConfiguration, scaler: AutoScaler) -> Iterator[_Wrong]:
    """Yield contradictions about scaling; numReplicas alone means that there is none."""
    enabled, replicas = scaler.autoscale_enabled, found.num_replicas
    if enabled and enabled.value and replicas:
        yield replicas.where, f"numReplicas cannot be given where {enabled.key} is true.", "Remove it."
    if enabled and not enabled.value and not replicas:
        yield enabled.where, f"{enabled.key} is false, and numReplicas is missing.", "Write numReplicas."
    if enabled.value if enabled else not replicas:
        return
    for given in filter(None, (scaler.min_replicas, scaler.max_replicas)):
        yield given.where, f"{given.key} cannot be given without autoScaler.autoscaleEnabled.", "Remove it."


def _wrong_addresses(found: DeploymentConfiguration) -> Iterator[_Wrong]:
    if found.ssl_enabled and found.ssl_enabled.value and not (found.ssl_certificate and found.ssl_key and found.cname):
        where = found.ssl_enabled.where
        yield where, "sslEnabled needs sslCertificate, sslKey and cname.", "Name them, or set sslEnabled to false."
    network = found.vnet_name or found.subnet_name
    if network and not (found.vnet_name and found.subnet_name):
        yield network.where, "vnetName and subnetName go together: one of them is missing.", "Name both or none."
    if found.namespace and not _NAMESPACE.fullmatch(found.namespace.value):
        what = f"namespace '{found.namespace.value}' is not a valid name in Kubernetes."
        yield found.namespace.where, what, "Use lower-case letters, digits and dashes."
