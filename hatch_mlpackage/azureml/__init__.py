"""Azure ML v1's Python API for models and services, on this machine: `azureml.` becomes `hatch_mlpackage.azureml.`.

Order: exceptions, sdk_imports, telemetry < local < core, run_program.
"""

from __future__ import annotations

from hatch_mlpackage.azureml.core import ContainerRegistry, Environment, Model, Webservice, Workspace
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.model import InferenceConfig, ModelPackage
from hatch_mlpackage.azureml.core.resource_configuration import ResourceConfiguration
from hatch_mlpackage.azureml.core.webservice import LocalWebservice
from hatch_mlpackage.azureml.local.cloud_only import find_cloud_only_modules

__all__ = [
    "CondaDependencies",
    "ContainerRegistry",
    "Environment",
    "InferenceConfig",
    "LocalWebservice",
    "Model",
    "ModelPackage",
    "ResourceConfiguration",
    "Webservice",
    "Workspace",
]

find_cloud_only_modules()
