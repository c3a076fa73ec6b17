"""The default images under the original's older path; everything else of it configures runs in the cloud."""

from __future__ import annotations

from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment_sections import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes

__all__ = ["DEFAULT_CPU_IMAGE", "DEFAULT_GPU_IMAGE", "ContainerRegistry"]

globals().update(cloud_only_classes("core.runconfig"))
