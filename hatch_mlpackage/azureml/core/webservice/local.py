"""Services on this machine: the original's LocalWebservice, as a process, or as a container where one is asked for."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.error import HTTPError, URLError

from hatch_mlpackage.azureml.core.inference_config import InferenceConfig
from hatch_mlpackage.azureml.core.webservice.local_configuration import (
    LocalWebserviceDeploymentConfiguration,
    settings_of,
)
from hatch_mlpackage.azureml.core.webservice.webservice import Webservice
from hatch_mlpackage.azureml.exceptions import WebserviceException
from hatch_mlpackage.azureml.local.choose_models import require_no_code, take_as_they_are
from hatch_mlpackage.azureml.local.cloud_only import with_absent_members
from hatch_mlpackage.azureml.local.services import Record, Service, Settings
from hatch_mlpackage.azureml.local.workspace_folder import named

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.workspace import Workspace
    from hatch_mlpackage.azureml.local.registered_model import RegisteredModel

__all__ = ["LocalWebservice", "LocalWebserviceDeploymentConfiguration"]

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"(?=.{3,32}$)[a-z]([-a-z0-9]*[a-z0-9])?")
_PATIENCE = 3600  # seconds for an answer: the server's own limit comes first


def _in_state(*states: str) -> Callable[[Callable[Concatenate[LocalWebservice, P], R]], Callable[..., R]]:
    """Refuse a call while the service is in another state."""

    def decorate(method: Callable[Concatenate[LocalWebservice, P], R]) -> Callable[..., R]:
        @functools.wraps(method)
        def call(self: LocalWebservice, *values: P.args, **named_: P.kwargs) -> R:
            if self.state not in states:
                raise WebserviceException(f"Cannot call {method.__name__}() when service is {self.state}.")
            return method(self, *values, **named_)

        return call

    return decorate


@with_absent_members
class LocalWebservice(Webservice):
    """A service of this machine; it goes on when the program ends, and is found again by its name.

    Raises WebserviceException where there is none of that name, unless `must_exist` is False.
    """

    STATE_DELETED = "deleted"
    STATE_DEPLOYING = "deploying"
    STATE_FAILED = "failed"
    STATE_RUNNING = "running"
    STATE_UNKNOWN = "unknown"

    def __init__(self, workspace: Workspace, name: str, must_exist: bool = True) -> None:
        if not _NAME.fullmatch(name):
            raise WebserviceException(
                "Error, provided service name is invalid. It must only consist of lowercase letters, numbers, or "
                "dashes, start with a letter, end with a letter or number, and be between 3 and 32 characters long."
            )
        self.name = name
        self.workspace = workspace
        self.compute_type = "Local"
        self.error: str | None = None
        self.image_id: str | None = None
        self.tags: dict[str, str] | None = None
        self.properties: dict[str, str] | None = None
        self.created_time = self.updated_time = dt.datetime.now(dt.UTC)
        self.state = self.STATE_UNKNOWN
        self._service = Service(workspace.folder, name)
        self._record: Record | None = None
        self.update_deployment_state(must_exist)

    def __repr__(self) -> str:
        return (
            f"LocalWebservice(workspace={self.workspace!r}, name={self.name}, image_id={self.image_id}, "
            f"compute_type={self.compute_type}, state={self.state}, scoring_uri={self.scoring_uri}, "
            f"tags={self.tags}, properties={self.properties})"
        )

    @staticmethod
    def deploy_configuration(
        port: int | None = None,
        *,
        python: str | None = None,
        engine: str | None = None,
        engine_options: Sequence[str] = (),
    ) -> LocalWebserviceDeploymentConfiguration:
        """Say how a service runs.

        `python` is the interpreter whose packages the entry script has, the running one by default. `engine` is
        "docker" or "podman" for a container, which has the packages that are locked for it, and `engine_options` are
        what its `run` is given besides.
        """
        return LocalWebserviceDeploymentConfiguration(port, python=python, engine=engine, engine_options=engine_options)

    @staticmethod
    def deploy_models(
        workspace: Workspace,
        name: str,
        models: Sequence[RegisteredModel | str],
        inference_config: InferenceConfig | None = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
    ) -> LocalWebservice:
        """Serve models under a name; `Model.deploy` is the way to call it."""
        service = LocalWebservice(workspace, name, must_exist=False)
        configuration = deployment_config or LocalWebserviceDeploymentConfiguration()
        service._deploy(models, inference_config, settings_of(configuration, "deploy"))
        return service

    def _deploy(
        self, models: Sequence[RegisteredModel | str], inference: InferenceConfig | None, settings: Settings
    ) -> None:
        if inference is not None and not isinstance(inference, InferenceConfig):
            raise WebserviceException(
                "Error, provided inference configuration must be of type InferenceConfig in order to deploy a local "
                "service."
            )
        staged, sources = take_as_they_are(self.workspace, models)
        if inference is None:
            require_no_code(staged)
        self._record = self._service.start(staged, sources, inference, settings)
        self.updated_time = dt.datetime.now(dt.UTC)
        self.error = None
        self.state = self.STATE_DEPLOYING

    @property
    def port(self) -> int | None:
        return self._record.port if self._record else None

    @property
    def scoring_uri(self) -> str | None:
        return self._uri("/score")

    @property
    def swagger_uri(self) -> str | None:
        return self._uri("/swagger.json")

    def _uri(self, path: str) -> str | None:
        return f"http://localhost:{self.port}{path}" if self.port else None

    def update_deployment_state(self, must_exist: bool = False) -> None:
        """Look how the service is now."""
        self._record = self._service.record()
        if self._record is None:
            self.state = self.STATE_UNKNOWN
            if must_exist:
                raise WebserviceException(f"WebserviceNotFound: Webservice with name {self.name} not found.")
        else:
            self.state = self.STATE_RUNNING if self._service.runs else self.STATE_FAILED

    @_in_state(STATE_DEPLOYING, STATE_RUNNING)
    def wait_for_deployment(self, show_output: bool = False) -> None:
        """Wait until the service answers.

        Raises WebserviceException with its log where it does not come up.
        """
        if show_output:
            print("Checking service health...")
        if self._record and self._service.wait(self._record.port):
            self.state = self.STATE_RUNNING
            print(f"Local webservice is {self.state} at http://localhost:{self.port}")
            return
        self.state = self.STATE_FAILED
        self.error = (
            "Error: Connection to container has timed out. Did your init method fail?"
            if self._service.runs
            else "Error: Container has crashed. Did your init method fail?"
        )
        raise WebserviceException(f"{self.error}\n{self._service.log()}")

    @_in_state(STATE_DEPLOYING, STATE_RUNNING)
    def run(self, input_data: str | bytes) -> Any:
        """Send a request's body, and return the answer, parsed.

        Raises WebserviceException with the status and the body of any other answer than 200.
        """
        if self.state == self.STATE_DEPLOYING:
            self.wait_for_deployment()
        body = input_data.encode() if isinstance(input_data, str) else input_data
        asked = urllib.request.Request(str(self.scoring_uri), body, {"Content-Type": "application/json"})  # noqa: S310 - ours
        try:
            # An empty handler: a proxy of the environment has no business on the loopback.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(asked, timeout=_PATIENCE) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise WebserviceException(
                f"Error: Scoring was unsuccessful.\nStatus: {error.code}\nBody: {said}", error.code
            ) from None
        except (URLError, OSError) as error:
            self.update_deployment_state()
            raise WebserviceException(
                f"Error: Connection with container for scoring has failed: {error}.\n{self._service.log()}"
            ) from error

    @_in_state(STATE_DEPLOYING, STATE_FAILED, STATE_RUNNING)
    def get_logs(self, num_lines: int = 5000, raw: bool = False) -> str:
        """Return the last lines of what the server and the entry script said."""
        del raw
        return "".join(self._service.log().splitlines(keepends=True)[-num_lines:])

    @_in_state(STATE_DEPLOYING, STATE_FAILED, STATE_RUNNING, STATE_UNKNOWN)
    def update(
        self,
        models: Sequence[RegisteredModel | str] | None = None,
        image_config: Any = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: InferenceConfig | None = None,
    ) -> None:
        """Serve something else under the name; what is None stays as it is, and where the new is wrong all does."""
        if image_config is not None:
            raise WebserviceException("Error, an image configuration is of the cloud: give an inference_config.")
        record = self._record
        kept = record.settings if record else Settings()
        settings = kept if deployment_config is None else settings_of(deployment_config, "update")
        if inference_config is None and record and record.inference:
            inference_config = InferenceConfig.from_json(record.inference)
        self._deploy((record.models if record else ()) if models is None else models, inference_config, settings)
        if wait:
            self.wait_for_deployment()

    @_in_state(STATE_DEPLOYING, STATE_FAILED, STATE_RUNNING)
    def reload(self, wait: bool = False) -> None:
        """Start again with the entry script and the models as they are now."""
        self.update(wait=wait)

    @_in_state(STATE_DEPLOYING, STATE_FAILED, STATE_RUNNING)
    def delete(self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True) -> None:
        """End the service and forget it; a container's image stays."""
        del delete_cache, delete_image, delete_volume
        self._service.remove()
        self._record = None
        self.state = self.STATE_DELETED

    @staticmethod
    def list(
        workspace: Workspace,
        model_name: str | None = None,
        model_id: str | None = None,
        all: bool | None = None,
    ) -> list[LocalWebservice]:
        """Return the services that run, or `all` of them."""
        found = [LocalWebservice(workspace, name, must_exist=False) for name in named(workspace.folder / "services")]
        return [
            service
            for service in found
            if (service.state == service.STATE_RUNNING or (all and service.state != service.STATE_UNKNOWN))
            and service.serves(model_name, model_id)
        ]

    def serves(self, model_name: str | None, model_id: str | None) -> bool:
        models = self._record.models if self._record else ()
        names = {Path(model).name if "/" in model else model.rpartition(":")[0] for model in models}
        return model_name in {None, *names} and model_id in {None, *models}

    def get_keys(self) -> None:
        raise NotImplementedError("Local web services do not support auth keys.")

    def regen_key(self, key: str) -> None:
        del key
        raise NotImplementedError("Local web services do not support auth keys.")

    def get_token(self) -> None:
        raise NotImplementedError("Local web services do not support Token Authentication.")

    @classmethod
    def deserialize(cls, *_: Any) -> None:
        raise NotImplementedError("Local web services cannot be deserialized.")

    def serialize(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "tags": self.tags,
            "properties": self.properties,
            "state": self.state,
            "createdTime": self.created_time.isoformat(),
            "updatedTime": self.updated_time.isoformat(),
            "error": self.error,
            "computeType": self.compute_type,
            "workspaceName": self.workspace.name,
            "imageId": self.image_id,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "port": self.port,
        }
