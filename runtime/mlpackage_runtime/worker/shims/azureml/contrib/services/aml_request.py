"""Offer the raw call style under its older name."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp

__all__ = ["AMLRequest", "rawhttp"]
