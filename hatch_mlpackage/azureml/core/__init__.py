"""The original's core package: what works here, and what only the cloud has."""

from __future__ import annotations

from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment import Environment
from hatch_mlpackage.azureml.core.model import Model
from hatch_mlpackage.azureml.core.webservice import Webservice
from hatch_mlpackage.azureml.core.workspace import Workspace
from hatch_mlpackage.azureml.local.cloud_only import absent

__all__ = ["ContainerRegistry", "Environment", "Model", "Webservice", "Workspace"]

globals().update(absent("core"))
