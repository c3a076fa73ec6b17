"""Stand in for azureml-ai-monitoring: drop the data that it would send to Azure storage."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
import logging
from typing import Any, List

from azureml.ai.monitoring.context import BasicCorrelationContext

log = logging.getLogger("azmlinfsrv.monitoring")
_said: List[bool] = []


class Collector:
    """Takes the data frames that the script collects and drops them."""

    def __init__(self, *, name: str, on_error: Any = None, **_named: object) -> None:
        if not _said:
            _said.append(True)
            log.warning("Collector collects nothing here: the data of %s is dropped", name)

    def collect(self, data: Any, correlation_context: Any = None) -> Any:
        """Return the context, as the original does, so that a script can link its outputs to its inputs."""
        return correlation_context if correlation_context is not None else BasicCorrelationContext()
