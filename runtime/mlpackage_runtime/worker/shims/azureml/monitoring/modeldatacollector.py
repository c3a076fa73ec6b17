"""Offer the collector under the module from which older scripts import it."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from azureml.monitoring import ModelDataCollector

__all__ = ["ModelDataCollector"]
