"""Make the classes of azureml.core that can be imported, and that raise an error when they are used."""

from typing import Any, NoReturn


class Placeholder(type):
    """A class that explains what is missing when it is called, or asked for what it does not have."""

    def __call__(cls, *_values: object, **_named: object) -> NoReturn:
        raise _unavailable(cls.__module__, cls.__name__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _unavailable(cls.__module__, f"{cls.__name__}.{name}")


def placeholder(module: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return Placeholder(name, (), {"__module__": module})


def _unavailable(module: str, what: str) -> RuntimeError:
    return RuntimeError(
        f"{module}.{what} needs an Azure ML workspace, which a scoring image does not have. Only"
        " Model.get_model_path() and Run.get_context() work here; add azureml-core to the requirements where the script"
        " needs the rest."
    )
