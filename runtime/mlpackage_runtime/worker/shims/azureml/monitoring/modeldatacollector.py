"""Offer the collector under the module from which older scripts import it."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from __future__ import annotations

from azureml.monitoring import ModelDataCollector

__all__ = ["ModelDataCollector"]
