"""Stand in for azureml.core: Model finds models, and every other name is a placeholder."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from __future__ import annotations

from typing import Any, NoReturn

if __name__ == "azureml.core":
    from azureml.core.model import Model

    __all__ = ["Model"]


class _Placeholder(type):
    """A class that can be imported, and that raises an error when it is used."""

    def __call__(cls, *_values: object, **_named: object) -> NoReturn:
        raise _unavailable(cls.__name__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _unavailable(f"{cls.__name__}.{name}")


def _unavailable(what: str) -> RuntimeError:
    return RuntimeError(
        f"{__name__}.{what} needs an Azure ML workspace, which a scoring image does not have. Only"
        " Model.get_model_path() works here; add azureml-core to the requirements where the script needs the rest."
    )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Placeholder(name, (), {"__module__": __name__})
