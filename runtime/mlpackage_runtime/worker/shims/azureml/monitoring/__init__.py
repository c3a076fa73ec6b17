"""Stand in for azureml-monitoring: drop the data that it would send to Azure storage."""

import logging
from typing import Any, List, Tuple

log = logging.getLogger("azmlinfsrv.monitoring")
_said: List[bool] = []


class ModelDataCollector:
    """Takes what the script collects and drops it."""

    def __init__(self, model_name: str, *_values: object, **_named: object) -> None:
        if not _said:
            _said.append(True)
            log.warning("ModelDataCollector collects nothing here: the data of model %s is dropped", model_name)

    def collect(self, *_values: object, **_named: object) -> Tuple[bool, str]:
        return True, ""

    def add_correlation(self, headers: Any, *_values: object, **_named: object) -> Any:
        return headers


def collect(*_values: object, **_named: object) -> None:
    """Drop what the script collects."""
