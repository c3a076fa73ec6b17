"""The original's path to LocalWebservice and its configuration."""

from __future__ import annotations

from hatch_mlpackage.azureml.core.webservice.webservice import LocalWebservice, LocalWebserviceDeploymentConfiguration

__all__ = ["LocalWebservice", "LocalWebserviceDeploymentConfiguration"]
