"""Web services: local ones work here; names that only the cloud has say what to use instead.

Order: deployed_service < webservice < local.
"""

from __future__ import annotations

from hatch_mlpackage.azureml.core.webservice.webservice import LocalWebservice, Webservice
from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes

__all__ = ["LocalWebservice", "Webservice"]

globals().update(cloud_only_classes("core.webservice"))
