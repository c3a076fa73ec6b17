"""Find models by the original's rules: in the image's folder of models, or in the current folder."""

import os
from typing import Any, Optional


class ModelNotFoundException(Exception):  # noqa: N818 - the original's name
    """No model of that name is there."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Model:
    """The part of azureml.core.Model that works without a workspace."""

    def __init__(self, *_values: object, **_named: object) -> None:
        raise RuntimeError(
            "Model(...) needs an Azure ML workspace; Model.get_model_path(name) finds the model's files."
        )

    @staticmethod
    def get_model_path(model_name: str, version: Optional[int] = None, _workspace: Any = None) -> str:
        """Return the path of a model's file or folder, in the highest version where none is given.

        Raises ModelNotFoundException, ValueError for wrong arguments, and RuntimeError for a version folder that does
        not hold exactly one entry.
        """
        if model_name is None:
            raise ValueError("model_name is None")
        if version is not None and not isinstance(version, int):
            raise ValueError("version should be an int")
        folder = os.path.join(os.environ.get("AML_APP_ROOT", ""), "azureml-models", model_name)
        if os.path.isdir(folder):
            chosen = str(version) if version is not None else str(_latest(folder))
            if os.path.isdir(os.path.join(folder, chosen)):
                return _only_entry(os.path.join(folder, chosen))
        if version is None and os.path.exists(model_name):
            return model_name
        raise ModelNotFoundException(
            f"Model {model_name} not found in cache at azureml-models or in current working directory {os.getcwd()}."
            " For more info, set logging level to DEBUG."
        )


def _latest(folder: str) -> int:
    versions = [int(name) for name in os.listdir(folder) if name.isdigit()]
    if not versions:
        raise RuntimeError("versions is empty")
    return max(versions)


def _only_entry(folder: str) -> str:
    entries = os.listdir(folder)
    if len(entries) != 1:
        raise RuntimeError(f"Dir {folder} can contain only 1 file or folder. Found {entries}")
    return os.path.join(folder, entries[0])
