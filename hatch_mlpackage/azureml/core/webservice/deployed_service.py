"""A deployed service: its state, its addresses, its answers and its log."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.error import HTTPError, URLError

from hatch_mlpackage.azureml.exceptions import WebserviceException
from hatch_mlpackage.azureml.local.services import ServiceFolder, ServiceRecord

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="DeployedService")

_NAME = re.compile(r"(?=.{3,32}$)[a-z]([-a-z0-9]*[a-z0-9])?")
_PATIENCE = 3600  # seconds for an answer; the server's own limit is shorter


def in_state(*states: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[..., R]]:
    """Refuse a call while the service is in any other state."""

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[..., R]:
        @functools.wraps(method)
        def call(self: S, *values: P.args, **named_: P.kwargs) -> R:
            if self.state not in states:
                raise WebserviceException(f"Cannot call {method.__name__}() when service is {self.state}.")
            return method(self, *values, **named_)

        return call

    return decorate


class DeployedService:
    """A service of this machine, found by its name; it goes on when the program ends.

    Raises WebserviceException where no service has the name, unless `must_exist` is False.
    """

    STATE_DELETED = "deleted"
    STATE_DEPLOYING = "deploying"
    STATE_FAILED = "failed"
    STATE_RUNNING = "running"
    STATE_UNKNOWN = "unknown"

    def __init__(self, workspace: WorkspaceFolder, name: str, must_exist: bool = True) -> None:
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
        self.image: None = None
        self.image_digest: str | None = None
        self.description: str | None = None
        self.created_by: dict[str, str] | None = None
        self.tags: dict[str, str] | None = None
        self.properties: dict[str, str] | None = None
        self.created_time = self.updated_time = dt.datetime.now(dt.UTC)
        self.state = self.STATE_UNKNOWN
        self._service = ServiceFolder(workspace.folder, name)
        self._record: ServiceRecord | None = None
        self.update_deployment_state(must_exist)

    def __repr__(self) -> str:
        return (
            f"LocalWebservice(workspace={self.workspace!r}, name={self.name}, image_id={self.image_id}, "
            f"compute_type={self.compute_type}, state={self.state}, scoring_uri={self.scoring_uri}, "
            f"tags={self.tags}, properties={self.properties})"
        )

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
        """Read the service's state again."""
        self._record = self._service.record()
        if self._record is None:
            self.state = self.STATE_UNKNOWN
            if must_exist:
                raise WebserviceException(f"WebserviceNotFound: Webservice with name {self.name} not found.")
        else:
            self.state = self.STATE_RUNNING if self._service.runs else self.STATE_FAILED

    @in_state(STATE_DEPLOYING, STATE_RUNNING)
    def wait_for_deployment(self, show_output: bool = False) -> None:
        """Wait until the service answers.

        Raises WebserviceException with its log where it does not start.
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

    @in_state(STATE_DEPLOYING, STATE_RUNNING)
    def run(self, input_data: str | bytes) -> Any:
        """Send a request's body, and return the parsed JSON of the answer.

        Raises WebserviceException with the status and body of an answer that reports an error.
        """
        if self.state == self.STATE_DEPLOYING:
            self.wait_for_deployment()
        body = input_data.encode() if isinstance(input_data, str) else input_data
        request = urllib.request.Request(str(self.scoring_uri), body, {"Content-Type": "application/json"})  # noqa: S310 - the server of this class
        try:
            # An empty handler, so that no proxy of the environment is asked for this machine's own address.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=_PATIENCE) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                answer = error.read().decode(errors="replace")
            raise WebserviceException(
                f"Error: Scoring was unsuccessful.\nStatus: {error.code}\nBody: {answer}", error.code
            ) from None
        except (URLError, OSError) as error:
            self.update_deployment_state()
            raise WebserviceException(
                f"Error: Connection with container for scoring has failed: {error}.\n{self._service.log()}"
            ) from error

    @in_state(STATE_DEPLOYING, STATE_FAILED, STATE_RUNNING)
    def get_logs(self, num_lines: int = 5000, raw: bool = False) -> str:
        """Return the last lines that the server and the entry script printed."""
        del raw
        return "".join(self._service.log().splitlines(keepends=True)[-num_lines:])

    @in_state(STATE_DEPLOYING, STATE_FAILED, STATE_RUNNING)
    def delete(self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True) -> None:
        """Stop the service and remove its files; a container's image stays."""
        del delete_cache, delete_image, delete_volume
        self._service.remove()
        self._record = None
        self.state = self.STATE_DELETED

    def serves(self, model_name: str | None, model_id: str | None) -> bool:
        models = self._record.models if self._record else ()
        names = {Path(model).name if "/" in model else model.rpartition(":")[0] for model in models}
        return model_name in {None, *names} and model_id in {None, *models}

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
