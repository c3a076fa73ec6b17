"""Services: local ones work here, the cloud's say what to use instead.

Order: local_configuration, deployed_service < webservice < local.
"""

from __future__ import annotations

from hatch_mlpackage.azureml.core.webservice.webservice import LocalWebservice, Webservice
from hatch_mlpackage.azureml.local.cloud_only import absent

__all__ = ["LocalWebservice", "Webservice"]

globals().update(absent("core.webservice"))
