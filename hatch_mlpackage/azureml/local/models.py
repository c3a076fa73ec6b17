"""Registered models on disk: for each version a copy of its files, and a document that describes it.

A version's number is given once: a deleted version leaves its empty folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.exceptions import WebserviceException
from hatch_mlpackage.azureml.local.workspace_folder import held, load_json, named, numbered, write_json

_DOCUMENT = "model.json"
_CONTENT = "content"
_PARTIAL = ".partial-"

Document = dict[str, Any]


def find_source(model_path: str, child_paths: Sequence[str]) -> Path:
    """Return the absolute path of a model's file or folder.

    Raises FileNotFoundError where it does not exist, WebserviceException where a child path does not.
    """
    source = Path(os.path.normpath(Path(model_path).absolute()))
    if not source.exists():
        raise FileNotFoundError("Path does not exist")
    for child in child_paths:
        if not (source / child).exists():
            raise WebserviceException(f'Error, provided child path "{child}" cannot be found')
    return source


def add_model(
    workspace: Path, name: str, source: Path, child_paths: Sequence[str], about: Mapping[str, Any]
) -> Document:
    """Copy a model into the workspace as its next version, and return its document.

    `child_paths` choose files and folders in a folder, relative to it; without any, all of it is copied.
    """
    models = workspace / "models" / name
    models.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=models))
    try:
        _copy(source, child_paths, partial / _CONTENT / source.name)
        with held(models):
            version = max(numbered(models), default=0) + 1
            document = {**about, "name": name, "version": version, "id": f"{name}:{version}"}
            write_json(partial / _DOCUMENT, document)
            partial.chmod(0o755)
            partial.rename(models / str(version))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return document


def _copy(source: Path, child_paths: Sequence[str], target: Path) -> None:
    target.parent.mkdir()
    if not source.is_dir():
        shutil.copyfile(source, target)
        return
    if not child_paths:
        shutil.copytree(source, target, copy_function=shutil.copyfile)
        return
    for child in child_paths:
        place = target / child
        place.parent.mkdir(parents=True, exist_ok=True)
        if (source / child).is_dir():
            shutil.copytree(source / child, place, copy_function=shutil.copyfile, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / child, place)


def find_model(workspace: Path, name: str, version: int) -> Document | None:
    """Read a version's document; None where the version does not exist or was deleted."""
    return load_json(workspace / "models" / name / str(version) / _DOCUMENT)


def list_models(workspace: Path, name: str | None = None) -> Iterator[Document]:
    """Yield the documents of all versions, of one name or of every name; the newest of each name first."""
    for each in [name] if name else named(workspace / "models"):
        for version in reversed(numbered(workspace / "models" / each)):
            document = find_model(workspace, each, version)
            if document is not None:
                yield document


def model_content(workspace: Path, name: str, version: int) -> Path:
    """Return the model's one file or folder.

    Raises WebserviceException where it was removed.
    """
    folder = workspace / "models" / name / str(version) / _CONTENT
    found = list(folder.iterdir()) if folder.is_dir() else []
    if len(found) != 1:
        raise WebserviceException("No files to download. Did you upload files?")
    return found[0]


def change_model(workspace: Path, name: str, version: int, change: Callable[[Document], None]) -> Document:
    """Change a version's document and return it.

    Raises WebserviceException where the model was deleted.
    """
    models = workspace / "models" / name
    with held(models):
        document = find_model(workspace, name, version)
        if document is None:
            raise WebserviceException(not_found(f"{name}:{version}"))
        change(document)
        write_json(models / str(version) / _DOCUMENT, document)
    return document


def delete_model(workspace: Path, name: str, version: int) -> None:
    folder = workspace / "models" / name / str(version)
    with held(folder.parent):
        (folder / _DOCUMENT).unlink(missing_ok=True)
        shutil.rmtree(folder / _CONTENT, ignore_errors=True)


def not_found(identity: str) -> str:
    """Return the original's message for an id that no model has."""
    return f"ModelNotFound: Model with id {identity} not found in provided workspace"
