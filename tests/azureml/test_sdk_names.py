"""Every public name of the SDK is here: it works, or says in one sentence what to use instead."""

from __future__ import annotations

import contextlib
import importlib
import json
from pathlib import Path

import pytest

from hatch_mlpackage.azureml.core import Model, Webservice
from hatch_mlpackage.azureml.core.authentication import AbstractAuthentication
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment import DockerImagePlatform, DockerSection, PythonSection
from hatch_mlpackage.azureml.core.resource_configuration import ResourceConfiguration
from hatch_mlpackage.azureml.core.webservice import LocalWebservice
from hatch_mlpackage.azureml.core.webservice.local import LocalWebserviceDeploymentConfiguration
from hatch_mlpackage.azureml.exceptions import NotInTheCloudError

SDK = json.loads((Path(__file__).parent / "sdk_names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", SDK["modules"])
def test_modules(module):
    """Every module can be imported, and has every name that the SDK's module has."""
    found = importlib.import_module(f"hatch_mlpackage.{module}")

    assert [name for name in SDK["modules"][module] if not hasattr(found, name)] == []


def test_members(ws, model_file, environment, echo):
    """Every member of the classes that work is there, or raises an error that names it."""
    objects = [
        *(ws, environment, echo, Model.register(ws, str(model_file), "mine")),
        *(Model.package(ws, [], echo, generate_dockerfile=True), LocalWebservice(ws, "none", must_exist=False)),
        *(AbstractAuthentication(), CondaDependencies(), ContainerRegistry(), ResourceConfiguration()),
        *(DockerImagePlatform(), DockerSection(), PythonSection(), LocalWebserviceDeploymentConfiguration()),
    ]
    by_class = {type(each).__name__: each for each in objects}
    by_class[Webservice.__name__] = by_class["LocalWebservice"]

    missing = {
        f"{path.rpartition('.')[2]}.{member}"
        for path, members in SDK["members"].items()
        for member in members
        if not _is_answered(by_class[path.rpartition(".")[2]], member)
    }

    assert missing == set()


def _is_answered(thing: object, member: str) -> bool:
    with contextlib.suppress(NotInTheCloudError):
        return hasattr(thing, member)
    return True
