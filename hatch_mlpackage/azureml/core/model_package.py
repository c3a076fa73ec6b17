"""The original's ModelPackage: a build context of models, or an image that is built from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.azureml.local.make_package import build_staged_image, make_context
from hatch_mlpackage.azureml.local.save_context import save_context
from hatch_mlpackage.azureml.local.stage_project import StagedModel, stage
from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder, own_folder
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.errors import ConfigurationError, MLPackageError
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.lock.images.reference import parse_reference
from hatch_mlpackage.serve.container import execute, find_engine, pull_command

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.inference_config import InferenceConfig
    from hatch_mlpackage.project.pyproject import Project

DEFAULT_IMAGE = "package"


class ModelPackage:
    """A package that `Model.package` made; `state` says whether it succeeded.

    `location` is the context's folder, or the image's name. The folder is removed with this object, at the latest
    when the program ends.
    """

    def __init__(
        self,
        workspace: WorkspaceFolder,
        models: Sequence[StagedModel],
        inference: InferenceConfig | None,
        *,
        generate_dockerfile: bool,
        image: str = "",
    ) -> None:
        self.workspace = workspace
        self.generate_dockerfile = generate_dockerfile
        self.state = "Running"
        self.error: dict[str, Any] | None = None
        self.location: str | None = None
        self._registry = _registry_of(inference)
        self._folder = own_folder(workspace.folder / "packages", self)
        self._log = self._folder / "log.txt"
        self._context = self._folder / "context"
        self.package_build_log_uri = self._log.as_uri()
        self._create(self._stage(models, inference, image), image)

    def __repr__(self) -> str:
        location = f", location={self.location}" if self.location and not self.generate_dockerfile else ""
        return (
            f"ModelPackage(workspace={self.workspace!r}, generate_dockerfile={self.generate_dockerfile}, "
            f"state={self.state}{location})"
        )

    def _stage(self, models: Sequence[StagedModel], inference: InferenceConfig | None, image: str) -> Project:
        folder = self._folder / "project"
        folder.mkdir()
        document = inference.to_absolute_json() if inference else None
        name = image if self.generate_dockerfile else DEFAULT_IMAGE  # the engine names the image itself
        project = stage(folder, models, document, workspace=self.workspace.folder, image_name=name)
        try:
            inspect_project(project)
        except ConfigurationError as error:
            raise UserErrorException(str(error)) from error
        return project

    def _create(self, project: Project, image: str) -> None:
        with self._log.open("ab", buffering=0) as log:
            try:
                make_context(project, self.workspace.folder, self._context, log)
                if not self.generate_dockerfile:
                    build_staged_image(self._context, image, log)
            except MLPackageError as error:
                self.state = "Failed"
                self.error = {"message": str(error)}
                log.write(f"{error}\n".encode())
            else:
                self.state = "Succeeded"
                self.location = str(self._context) if self.generate_dockerfile else image

    def update_creation_state(self) -> None:
        """Do nothing: the state no longer changes."""

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Print the log and the state with `show_output`.

        Raises WebserviceException with the reason where the package could not be made.
        """
        if show_output:
            print(self.get_logs(), end="")
            print(f"Package creation {self.state}")
        if self.state != "Succeeded":
            message = (self.error or {}).get("message")
            raise WebserviceException(
                f"Package creation reached non-successful terminal state.\nState: {self.state}\nError:\n{message}\n"
            )

    def get_logs(self, decode: bool = True, offset: int = 0) -> str | bytes:
        """Return the log of making the package, from the byte `offset` on."""
        found = file_bytes(self._log)[offset:] if self._log.exists() else b""
        return found.decode(errors="replace") if decode else found

    def save(self, output_directory: str) -> None:
        """Copy the context into a folder; other files there stay, unless the context has a file of that name.

        Files of an earlier context that this one lacks are removed, unless you changed them.
        """
        if not self.generate_dockerfile:
            raise WebserviceException("Docker images cannot be saved to a local directory. Use pull() instead.")
        target = Path(output_directory)
        if target.exists() and not target.is_dir():
            raise WebserviceException(f"Error, output path is not a directory: {output_directory}")
        self.wait_for_creation()
        save_context(self._context, target)

    def pull(self) -> None:
        """Pull the image from the registry in its name; without a registry the image is on this machine already."""
        if self.generate_dockerfile:
            raise WebserviceException("A Dockerfile package cannot be pulled. Use save() instead.")
        self.wait_for_creation()
        location = str(self.location)
        if not location.startswith(f"{parse_reference(location).registry}/"):
            print(f"Image {location} is on this machine already: it was built here.")
            return
        engine = find_engine(report=print)
        if execute(pull_command(engine, location)):
            raise WebserviceException(f"{location} could not be pulled. Push it first: {engine} push {location}")

    def get_container_registry(self) -> ContainerRegistry:
        """Return the registry of the image, or of the base image for a context.

        The login is the one in the environment's `base_image_registry`; engines keep logins of their own.
        """
        self.wait_for_creation()
        image = read_manifest(self._context).image["base"] if self.generate_dockerfile else self.location
        found = ContainerRegistry()
        found.address = parse_reference(str(image)).registry
        if self._registry and self._registry.address == found.address:
            found.username, found.password = self._registry.username, self._registry.password
        return found

    def serialize(self) -> dict[str, Any]:
        return {"generateDockerfile": self.generate_dockerfile, "state": self.state, "location": self.location}


def image_of_now(image_name: str | None, image_label: str | None) -> str:
    """Return an image's name; the original's default is `package:<time>`."""
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%d%H%M%S")
    return f"{image_name or DEFAULT_IMAGE}:{image_label or moment}"


def _registry_of(inference: InferenceConfig | None) -> ContainerRegistry | None:
    if inference is None:
        return None
    return inference.environment.docker.base_image_registry if inference.environment else inference.base_image_registry
