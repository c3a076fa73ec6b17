"""The older name of the raw call style's response."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from __future__ import annotations

from azureml_inference_server_http.api.aml_response import AMLResponse

__all__ = ["AMLResponse"]
