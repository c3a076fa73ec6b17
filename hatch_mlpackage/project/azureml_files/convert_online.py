"""Convert the keys of Azure ML v2 that v1 did not have: the model, and what only the cloud needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.azureml_files.convert_environment import take_variables
from hatch_mlpackage.project.azureml_files.places import find
from hatch_mlpackage.project.azureml_files.shapes import Given

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.nodes import Node
    from hatch_mlpackage.project.azureml_files.online import OnlineDeployment
    from hatch_mlpackage.project.azureml_files.report import Draft

_CLOUD = "a place or a name in the cloud"
_SCALE = "the platform that runs the image decides on the machines and how many there are"
_PROBE = "the platform that runs the image asks for it: see mlpackage deploy"


def convert_online(online: OnlineDeployment, draft: Draft) -> None:
    """Convert a deployment or package that was read without a problem."""
    _take_model(online, draft)
    take_variables(online.environment_variables, draft)
    server = online.inferencing_server
    draft.drop(server.type if server else None, "the image has one server")
    dropped: tuple[tuple[str, tuple[Given[Any] | None, ...]], ...] = (
        (_CLOUD, (online.schema, online.name, online.type, online.endpoint_name, online.tags, online.properties)),
        (_CLOUD, (online.egress_public_network_access, online.target_environment)),
        (_SCALE, (online.instance_type, online.instance_count, online.scale_settings, online.resources)),
        (_PROBE, (online.readiness_probe, online.startup_probe)),
        ("models are in the image, where Azure ML put them", (online.model_mount_path, online.model_configuration)),
    )
    for why, several in dropped:
        for given in several:
            draft.drop(given, why)
    draft.by_hand(online.inputs, "only files that are in the project go into the image")


def _take_model(online: OnlineDeployment, draft: Draft) -> None:
    given, local = online.model, online.local_model
    if given is None or given.value.is_empty:
        return
    if local is None:
        shown = given.value.members.get("path", given.value).text or "the model"
        draft.by_hand(given, f"'{shown}' is in the cloud: download it, and give it with --model NAME=PATH", "models")
        return
    found = find(local, draft.places, draft.problems, is_model=True)
    if found and not found.path:
        draft.take_found(local, "models", found)
    elif found:
        members = given.value.members
        version = _text(members, "version")
        model = {"name": online.model_name, "path": found.path}
        draft.take(given, "models", [model | ({"version": version} if version else {})], found.note)


def _text(members: Mapping[str, Node], key: str) -> str:
    return members[key].text if key in members else ""
