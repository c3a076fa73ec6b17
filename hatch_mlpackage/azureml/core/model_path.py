"""Find a model's files from a script that runs beside `azureml-models`, as in an image, or beside the model."""

from __future__ import annotations

import os
from pathlib import Path

from hatch_mlpackage.azureml.core.registered_model import RegisteredModel
from hatch_mlpackage.azureml.exceptions import ModelNotFoundException, WebserviceException
from hatch_mlpackage.azureml.local.model_search import find_document
from hatch_mlpackage.azureml.local.models import list_models
from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder, numbered


def get_model_path(model_name: str, version: int | None = None, _workspace: WorkspaceFolder | None = None) -> str:
    """Return the path of a model's file or folder, of the highest version unless one is given.

    Looks in `azureml-models` below the app root or the current folder, then for `./<name>`. With a workspace, copies
    the model from there unless the given version lies here already. Raises ModelNotFoundException, or
    WebserviceException for wrong arguments and for a given version that is not found.
    """
    if version is not None and not isinstance(version, int):
        raise WebserviceException("version should be an int")
    if model_name is None:
        raise WebserviceException("model_name is None")
    top = os.path.join(os.environ.get("AML_APP_ROOT", ""), "azureml-models")  # noqa: PTH118 - messages show it as it is
    if _workspace is not None and version is None:
        return _downloaded(_workspace, model_name, version, top)
    try:
        return _local(model_name, version, top)
    except ModelNotFoundException as error:
        if _workspace is not None:
            return _downloaded(_workspace, model_name, version, top)
        if version is not None:
            raise WebserviceException(error.message) from error
        raise


def _local(name: str, version: int | None, top: str) -> str:
    folder = Path(top, name)
    if folder.exists():
        versions = numbered(folder)
        if version is None and not versions:
            raise WebserviceException("versions is empty")
        chosen = folder / str(version if version is not None else versions[-1])
        if chosen.exists():
            return str(_only_entry(chosen))
    if Path(name).exists():
        return name
    raise ModelNotFoundException(
        f"Model {name} not found in cache at {top} or in current working directory {Path.cwd()}. "
        "For more info, set logging level to DEBUG."
    )


def _only_entry(folder: Path) -> Path:
    entries = sorted(path.name for path in folder.iterdir())
    if len(entries) != 1:
        raise WebserviceException(f"Dir {folder} can contain only 1 file or folder. Found {entries}")
    return folder / entries[0]


def _downloaded(workspace: WorkspaceFolder, name: str, version: int | None, top: str) -> str:
    try:
        document = find_document(workspace.folder, f"{name}:{version}" if version else None, name)
    except WebserviceException as error:
        known = sorted(f"{each['name']}/{each['version']}" for each in list_models(workspace.folder))
        raise ModelNotFoundException(f"Model/Version {name}/{version} not found in workspace. {known}") from error
    model = RegisteredModel(workspace, document)
    return model.download(os.path.join(top, name, str(model.version)), exist_ok=True)  # noqa: PTH118
