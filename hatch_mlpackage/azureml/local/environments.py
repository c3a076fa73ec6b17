"""Registered environments on disk: one JSON document for each version of a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder, held, load_json, named, numbered, write_json
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.replace import replace_text

_LATEST = ".latest"  # which version was registered last
_PART = re.compile(r"\w[\w. -]*")


def add_environment(workspace: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """Keep an environment and return its document; without a version it gets the last one if equal, else the next.

    Raises UserErrorException where the version is registered with other contents.
    """
    name, version = document["name"], document["version"]
    folder = _folder(workspace, name, version)
    with held(folder):
        added = {**document, "version": version or _version_for(document, folder)}
        path = folder / f"{added['version']}.json"
        kept = load_json(path)
        if kept is None:
            write_json(path, added)
            replace_text(folder / _LATEST, added["version"])
        elif kept != added:
            raise UserErrorException(
                f"Environment {name} version {added['version']} is already registered with other contents. "
                "To auto-version, reset version to None."
            )
    return added


def _version_for(document: Mapping[str, Any], folder: Path) -> str:
    last = max(numbered(folder, ".json"), default=0)
    is_kept = last and load_json(folder / f"{last}.json") == {**document, "version": str(last)}
    return str(last) if is_kept else str(last + 1)


def find_environment(workspace: WorkspaceFolder, name: str, version: str | None) -> dict[str, Any]:
    """Return the document of a version, or of the one that was registered last.

    Raises UserErrorException where it is not registered.
    """
    folder = _folder(workspace.folder, name, version)
    latest = folder / _LATEST
    wanted = version or (file_text(latest) if latest.exists() else "")
    found = load_json(folder / f"{wanted}.json") if wanted else None
    if found is None:
        raise UserErrorException(
            f"Environment {name}{f' version {version}' if version else ''} is not registered in {workspace.name}. "
            "Register it here: Environment.from_conda_specification(name, file_path).register(ws). "
            "The environments that Azure ML curated are images in its own registry: list their packages in a conda "
            "file."
        )
    return found


def environment_names(workspace: Path) -> list[str]:
    return named(workspace / "environments")


def _folder(workspace: Path, name: str, version: str | None) -> Path:
    for part in (name, version or "1"):
        if not _PART.fullmatch(part):
            raise UserErrorException(
                f"'{part}' is not a name or version of an environment: use letters, digits, . _ and -"
            )
    return workspace / "environments" / name
