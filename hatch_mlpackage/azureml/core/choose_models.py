"""Turn the models of a call (registered models, ids and paths) into models to register or to stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.azureml.core.registered_model import RegisteredModel
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.azureml.local.model_search import find_document
from hatch_mlpackage.azureml.local.stage_project import NO_CODE, StagedModel

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder

_LONGEST_MADE_NAME = 30  # characters of a file's name that become the name of an unregistered model


def registered_models(
    workspace: WorkspaceFolder, models: Sequence[RegisteredModel | str], register: Callable[[str, str], RegisteredModel]
) -> list[RegisteredModel]:
    """Find models and ids; call `register` with any other path and the name of its file."""
    return [_registered(workspace, model) or register(str(model), _made_name(str(model))) for model in models]


def staged_models(
    workspace: WorkspaceFolder, models: Sequence[RegisteredModel | str]
) -> tuple[list[StagedModel], list[str]]:
    """Stage models and ids, and paths as version 0; return the ids and absolute paths as well."""
    staged, sources = [], []
    for model in models:
        found = _registered(workspace, model)
        if found is not None:
            staged.append(staged_model(found))
            sources.append(found.id)
            continue
        path = Path(os.path.abspath(str(model)))  # noqa: PTH100 - a link keeps its name
        if not path.exists():
            raise WebserviceException(f'Error, provided model path "{model}" cannot be found')
        staged.append(StagedModel(name=_made_name(str(path)), version=0, content=path))
        sources.append(str(path))
    return staged, sources


def staged_model(model: RegisteredModel) -> StagedModel:
    return StagedModel(name=model.name, version=model.version, content=model.path, framework=model.model_framework)


def require_no_code(models: Sequence[StagedModel]) -> None:
    """Raise UserErrorException unless there is one model whose framework says how to serve it."""
    if len(models) != 1:
        raise UserErrorException("You must provide an InferenceConfig when deploying zero or multiple models.")
    if models[0].framework not in NO_CODE:
        raise UserErrorException(
            "You must provide an InferenceConfig when deploying a model with model_framework set to "
            f"{models[0].framework}. Default environments are only provided for these frameworks: {[*NO_CODE]}."
        )


def _registered(workspace: WorkspaceFolder, model: RegisteredModel | str) -> RegisteredModel | None:
    if isinstance(model, RegisteredModel):
        return model
    if not isinstance(model, str):
        raise WebserviceException("Models must either be of type azureml.core.Model or a str path to a file or folder.")
    try:
        return RegisteredModel(workspace, find_document(workspace.folder, model))
    except WebserviceException:
        return None


def _made_name(path: str) -> str:
    return Path(os.path.normpath(path)).name[:_LONGEST_MADE_NAME]
