"""The original's Workspace: a folder of this machine, found by the three names of a config.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.core.environment import Environment
from hatch_mlpackage.azureml.core.model import Model
from hatch_mlpackage.azureml.core.webservice.webservice import LocalWebservice
from hatch_mlpackage.azureml.exceptions import UserErrorException, WorkspaceException
from hatch_mlpackage.azureml.local.cloud_only import with_cloud_only_members
from hatch_mlpackage.azureml.local.workspace_folder import named, read_mapping
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.files.resources import data_directory

_KEYS = ("subscription_id", "resource_group", "workspace_name")
_LOCAL = "local"  # the folder for a name that is not given
_FOLDERS = (".azureml", "aml_config", "")
_FILES = ("config.json", "project.json")


@with_cloud_only_members
class Workspace:
    """A folder with models, environments and services, which is made where it is missing.

    The three names choose it below `MLPACKAGE_DATA_DIR` or the user's data folder; `folder` names another one.
    `auth` and the like are accepted and not used.
    """

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str = _LOCAL,
        auth: Any = None,
        *,
        folder: str | Path | None = None,
        tags: Mapping[str, str] | None = None,
        **_: Any,
    ) -> None:
        del auth
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.name = workspace_name
        self.location = _LOCAL
        self.tags = dict(tags or {})
        self.folder = Path(folder).absolute() if folder else _find_folder(subscription_id, resource_group, self.name)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return (
            f"Workspace.create(name='{self.name}', subscription_id='{self.subscription_id}', "
            f"resource_group='{self.resource_group}')"
        )

    @staticmethod
    def from_config(path: str | None = None, auth: Any = None, _logger: Any = None, _file_name: str = "") -> Workspace:
        """Open the workspace that a config.json names; `path` is the file, or a folder to search upwards from.

        Raises UserErrorException where no file is found, or where it names no workspace.
        """
        del auth, _logger
        start = Path(path or ".").absolute()
        found = _find_config(start, [_file_name] if _file_name else _FILES)
        if found is None:
            raise UserErrorException(
                f"The workspace configuration file config.json, could not be found in {start} or its parent "
                "directories. Please check whether the workspace configuration file exists, or provide the full path "
                "to the configuration file as an argument. Workspace.create(name).write_config() writes one."
            )
        return Workspace(*_read_config(found))

    @staticmethod
    def create(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        *_: Any,
        exist_ok: bool = False,
        folder: str | Path | None = None,
        **named_: Any,
    ) -> Workspace:
        """Make a workspace.

        Raises WorkspaceException where its folder is not empty, unless `exist_ok` is set.
        """
        made = Workspace(subscription_id, resource_group, name, auth, folder=folder, tags=named_.get("tags"))
        if not exist_ok and any(made.folder.iterdir()):
            raise WorkspaceException(
                f"Workspace with name '{name}' already exists in {made.folder}. Use Workspace.get, or exist_ok=True."
            )
        return made

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        *_: Any,
        folder: str | Path | None = None,
        **named_: Any,
    ) -> Workspace:
        """Open a workspace; one that is new to this machine is empty."""
        del named_
        return Workspace(subscription_id, resource_group, name, auth, folder=folder)

    @staticmethod
    def list(
        subscription_id: str | None = None, auth: Any = None, resource_group: str | None = None
    ) -> dict[str, list[Workspace]]:
        """Return the workspaces of a subscription, or of one of its groups, by name."""
        del auth
        top = _workspaces() / (subscription_id or _LOCAL)
        found: dict[str, list[Workspace]] = {}
        for group in [resource_group] if resource_group else named(top):
            for name in named(top / group):
                each = Workspace(subscription_id, None if group == _LOCAL else group, name)
                found.setdefault(name, []).append(each)
        return found

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """Write the three names to `.azureml/config.json`, where `from_config` finds them."""
        target = Path(path or ".", ".azureml", file_name or "config.json").with_suffix(".json")
        values = dict(zip(_KEYS, (self.subscription_id, self.resource_group, self.name), strict=True))
        try:
            replace_text(target, json.dumps(values, indent=4))
        except OSError as error:
            raise UserErrorException(f"Could not write the config file to: {target}\n{error}") from None

    def get_details(self) -> dict[str, Any]:
        return {"name": self.name, "location": str(self.folder), "tags": dict(self.tags)}

    @property
    def models(self) -> dict[str, Model]:
        """The latest version of each registered model, by name."""
        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def environments(self) -> dict[str, Environment]:
        return Environment.list(self)

    @property
    def webservices(self) -> dict[str, LocalWebservice]:
        return {service.name: service for service in LocalWebservice.list(self, all=True)}


def _find_folder(subscription: str | None, group: str | None, name: str) -> Path:
    for part in (subscription, group, name):
        if part is not None and (part in {"", ".", ".."} or {"/", "\\", "\0"} & set(part)):
            raise UserErrorException(
                f"'{part}' is not a name for a workspace, resource group or subscription: use no path."
            )
    return _workspaces() / (subscription or _LOCAL) / (group or _LOCAL) / name


def _workspaces() -> Path:
    data = data_directory()
    if data is None:
        raise UserErrorException("No folder for the user's data is known. Set MLPACKAGE_DATA_DIR to one.")
    return data / "workspaces"


def _find_config(start: Path, names: Iterable[str]) -> Path | None:
    if start.is_file():
        return start
    names = list(names)
    above = [start, *start.parents]
    places = (top / folder / name for folder in _FOLDERS for name in names for top in above)
    return next((place for place in places if place.is_file()), None)


def _read_config(path: Path) -> list[str]:
    found = read_mapping(path, "The workspace configuration file cannot be read.")
    scope = str(found.get("Scope") or found.get("Id") or "")
    if scope:  # the first releases' project.json
        parts = dict(zip(scope.split("/")[1::2], scope.split("/")[2::2], strict=False))
        wanted = ("subscriptions", "resourceGroups", "workspaces")
        found = {key: parts.get(part) for key, part in zip(_KEYS, wanted, strict=True)}
    wrong = [key for key in _KEYS if key not in found or not isinstance(found[key], str | None)]
    if wrong or not found["workspace_name"]:
        wrong = wrong or ["workspace_name"]
        raise UserErrorException(f"{path}: {', '.join(wrong)} missing. The file must name {', '.join(_KEYS)}.")
    return [found[key] for key in _KEYS]
