"""A registered model: what its document says, and the changes that can be made to it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.azureml.core.resource_configuration import ResourceConfiguration
from hatch_mlpackage.azureml.exceptions import WebserviceException
from hatch_mlpackage.azureml.local.cloud_names import DATA
from hatch_mlpackage.azureml.local.cloud_only import refuse
from hatch_mlpackage.azureml.local.models import change_model, delete_model, model_content

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder


class RegisteredModel:
    """A version of a model in a workspace, with the attributes of the original's Model."""

    def __init__(self, workspace: WorkspaceFolder, document: Mapping[str, Any]) -> None:
        self.workspace = workspace
        self._take(document)

    def _take(self, document: Mapping[str, Any]) -> None:
        self.name: str = document["name"]
        self.version: int = document["version"]
        self.id: str = document["id"]
        self.description: str | None = document["description"]
        self.tags: dict[str, str] = dict(document["tags"])
        self.properties: dict[str, str] = dict(document["properties"])
        self.model_framework: str | None = document["framework"]
        self.model_framework_version: str | None = document["frameworkVersion"]
        self.resource_configuration = ResourceConfiguration.deserialize(document["resourceConfiguration"])
        self.created_time = dt.datetime.fromisoformat(document["createdTime"])
        self.created_by: dict[str, str] | None = None
        self.mime_type = "application/json"
        self.unpack = False
        self.parent_id: str | None = None
        self.derived_model_ids: list[str] | None = None
        self.url = self.path.as_uri()
        self.experiment_name: str | None = None
        self.run_id: str | None = None
        self.run = None
        self.datasets: dict[str, Any] = {}
        self.sample_input_dataset = None
        self.sample_output_dataset = None

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self.workspace!r}, name={self.name}, id={self.id}, version={self.version}, "
            f"tags={self.tags}, properties={self.properties})"
        )

    @property
    def path(self) -> Path:
        """The model's one file or folder in the workspace; do not change it."""
        return model_content(self.workspace.folder, self.name, self.version)

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """Copy the model's file or folder into a folder, and return its path there.

        Raises WebserviceException where a file would be overwritten, unless `exist_ok` is set.
        """
        if exists_ok is not None and exist_ok:
            raise WebserviceException("Both exists_ok and exist_ok are set. Please use exist_ok only.")
        source = self.path
        place = Path(target_dir, source.name)
        if place.exists() and place.is_dir() != source.is_dir():
            raise FileExistsError(f"Cannot copy {source} to {place}: one is a folder and the other is a file.")
        files = [path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file()] or [Path()]
        in_the_way = [place / path for path in files if (place / path).exists()]
        if in_the_way and not (exist_ok or exists_ok):
            raise WebserviceException(f"File already exists. To overwrite, set exist_ok to True. {in_the_way[0]}")
        Path(target_dir).mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, place)
        return str(place)

    def update(
        self,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> None:
        """Replace each value that is given."""
        if sample_input_dataset or sample_output_dataset:
            refuse("A model's datasets", DATA)
        if resource_configuration:
            resource_configuration.validate()
        new = {
            "tags": None if tags is None else texts_of(tags, "Tags"),
            "description": description,
            "resourceConfiguration": resource_configuration.serialize() if resource_configuration else None,
        }
        self._change(lambda document: document.update({key: value for key, value in new.items() if value is not None}))

    def update_tags_properties(
        self,
        add_tags: Mapping[str, Any] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Add and remove tags, and add properties, which cannot be changed afterwards."""
        for key in {*(add_properties or ())} & self.properties.keys():
            raise WebserviceException(f"Error, property with key {key} already exists and cannot be changed.")
        for key in {*(add_tags or ())} & self.tags.keys():
            print(f"Replacing tag {key} -> {self.tags[key]} with {key} -> {(add_tags or {})[key]}")
        for key in remove_tags or ():
            if key not in self.tags:
                print(f"Tag with key {key} not found.")

        def change(document: dict[str, Any]) -> None:
            tags = {**document["tags"], **texts_of(add_tags, "Tags")}
            document["tags"] = {key: value for key, value in tags.items() if key not in (remove_tags or ())}
            document["properties"] = {**texts_of(add_properties, "Properties"), **document["properties"]}

        self._change(change)

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        self.update_tags_properties(add_tags=tags)
        print("Model tag add operation complete.")

    def remove_tags(self, tags: str | Sequence[str]) -> None:
        self.update_tags_properties(remove_tags=[tags] if isinstance(tags, str) else tags)
        print("Model tag remove operation complete.")

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        self.update_tags_properties(add_properties=properties)
        print("Model properties add operation complete.")

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        self._take(change_model(self.workspace.folder, self.name, self.version, change))

    def delete(self) -> None:
        """Remove the version; its number is not given again, and services and packages keep their copies."""
        delete_model(self.workspace.folder, self.name, self.version)

    def serialize(self) -> dict[str, Any]:
        """Return the original's JSON form."""
        return {
            "createdTime": self.created_time.isoformat(),
            "createdBy": self.created_by,
            "description": self.description,
            "id": self.id,
            "mimeType": self.mime_type,
            "name": self.name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "unpack": self.unpack,
            "url": self.url,
            "version": self.version,
            "experimentName": self.experiment_name,
            "runId": self.run_id,
            "runDetails": str(self.run),
            "datasets": [],
            "resourceConfiguration": self.resource_configuration.serialize() if self.resource_configuration else None,
            "sampleInputDatasetId": None,
            "sampleOutputDatasetId": None,
        }


def texts_of(values: Mapping[str, Any] | None, what: str) -> dict[str, str]:
    if values is not None and not isinstance(values, Mapping):
        raise WebserviceException(f"{what} must be a dict")
    return {str(key): str(value) for key, value in (values or {}).items()}
