"""The original's `azureml.core`: the classes that work here, and the names that only the cloud has.

Order: authentication, conda_dependencies, container_registry, resource_configuration < environment_sections,
registered_model < choose_models, environment, model_path, runconfig < inference_config < model_package, webservice
< model < workspace.
"""

from __future__ import annotations

from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment import Environment
from hatch_mlpackage.azureml.core.model import Model
from hatch_mlpackage.azureml.core.webservice import Webservice
from hatch_mlpackage.azureml.core.workspace import Workspace
from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes

__all__ = ["VERSION", "ContainerRegistry", "Environment", "Model", "Webservice", "Workspace", "__version__"]

# The release of the SDK whose API this is. Programs print it, and some compare it with the release that they need.
VERSION = __version__ = "1.61.0+hatch.mlpackage"

globals().update(cloud_only_classes("core"))
