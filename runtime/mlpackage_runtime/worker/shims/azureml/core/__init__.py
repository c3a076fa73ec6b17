"""Stand in for azureml.core: Model finds models, Run is offline, and every other name is a placeholder."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from typing import Any

from azureml.core.placeholders import placeholder

if __name__ == "azureml.core":
    from azureml.core.model import Model
    from azureml.core.run import Run

    __all__ = ["Model", "Run"]


def __getattr__(name: str) -> Any:
    return placeholder(__name__, name)
