"""Webservice, which finds a service by its name, and LocalWebservice, which every service is here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from hatch_mlpackage.azureml.core.choose_models import require_no_code, staged_models
from hatch_mlpackage.azureml.core.inference_config import InferenceConfig
from hatch_mlpackage.azureml.core.webservice.deployed_service import DeployedService, in_state
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes, with_cloud_only_members
from hatch_mlpackage.azureml.local.services import ServiceSettings
from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder, named
from hatch_mlpackage.serve.container import RUNNERS

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.registered_model import RegisteredModel

_HIGHEST_PORT = 65535
_DEPLOYED = (DeployedService.STATE_DEPLOYING, DeployedService.STATE_FAILED, DeployedService.STATE_RUNNING)


class LocalWebserviceDeploymentConfiguration:
    """The port of a service, any free one by default, and the interpreter or container engine that runs it.

    Raises WebserviceException for a wrong port, UserErrorException for an engine that cannot serve.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        python: str | None = None,
        engine: str | None = None,
        engine_options: Sequence[str] = (),
    ) -> None:
        self.port = port
        self.python = python
        self.engine = engine
        self.engine_options = tuple(engine_options)
        self.validate_configuration()

    def validate_configuration(self) -> None:
        if self.port is not None and not (type(self.port) is int and 1 <= self.port <= _HIGHEST_PORT):
            raise WebserviceException(f"Invalid configuration, port must be an integer in range [1, {_HIGHEST_PORT}]")
        if self.engine is not None and self.engine not in RUNNERS:
            raise UserErrorException(f"Invalid configuration, engine must be one of {', '.join(RUNNERS)}")

    def print_deploy_configuration(self) -> None:
        """Print what the configuration asks for."""
        print(f"Local deployment: port {self.port or 'any'}, {self.engine or self.python or 'this interpreter'}")


@with_cloud_only_members
class Webservice(DeployedService):
    """A deployed service by its name; `auth_enabled` and `token_auth_enabled` are False, as no key is needed."""

    auth_enabled = False
    token_auth_enabled = False

    def __new__(cls, *_: Any, **_named: Any) -> Self:
        return cast("Self", object.__new__(LocalWebservice if cls is Webservice else cls))

    @staticmethod
    def list(
        workspace: WorkspaceFolder,
        compute_type: str | None = None,
        image_name: str | None = None,
        image_id: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        image_digest: str | None = None,
    ) -> list[LocalWebservice]:
        """Return the services that run: all have the compute type Local, and no image, tags or properties."""
        if (compute_type or "Local").lower() != "local" or image_name or image_id or image_digest or tags or properties:
            return []
        return LocalWebservice.list(workspace, model_name, model_id)


@with_cloud_only_members
class LocalWebservice(Webservice):
    """A service of this machine, as a process, or as a container where the configuration names an engine."""

    @staticmethod
    def deploy_configuration(
        port: int | None = None,
        *,
        python: str | None = None,
        engine: str | None = None,
        engine_options: Sequence[str] = (),
    ) -> LocalWebserviceDeploymentConfiguration:
        """Return the configuration of a service.

        `python` is the interpreter that runs the entry script, by default the present one. `engine` ("docker" or
        "podman") serves from a container with its locked packages instead, and `engine_options` are added to the
        engine's `run`.
        """
        return LocalWebserviceDeploymentConfiguration(port, python=python, engine=engine, engine_options=engine_options)

    @staticmethod
    def deploy_models(
        workspace: WorkspaceFolder,
        name: str,
        models: Sequence[RegisteredModel | str],
        inference_config: InferenceConfig | None = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
    ) -> LocalWebservice:
        """Serve models under a name; call it as `Model.deploy`."""
        service = LocalWebservice(workspace, name, must_exist=False)
        configuration = deployment_config or LocalWebserviceDeploymentConfiguration()
        service._deploy(models, inference_config, _settings_of(configuration, "deploy"))
        return service

    def _deploy(
        self, models: Sequence[RegisteredModel | str], inference: InferenceConfig | None, settings: ServiceSettings
    ) -> None:
        if inference is not None and not isinstance(inference, InferenceConfig):
            raise WebserviceException(
                "Error, provided inference configuration must be of type InferenceConfig in order to deploy a local "
                "service."
            )
        staged, sources = staged_models(self.workspace, models)
        if inference is None:
            require_no_code(staged)
        document = inference.to_absolute_json() if inference else None
        self._record = self._service.start(staged, sources, document, settings)
        self.updated_time = dt.datetime.now(dt.UTC)
        self.error = None
        self.state = self.STATE_DEPLOYING

    @in_state(*_DEPLOYED, DeployedService.STATE_UNKNOWN)
    def update(
        self,
        models: Sequence[RegisteredModel | str] | None = None,
        image_config: Any = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: InferenceConfig | None = None,
    ) -> None:
        """Replace what the service serves; None keeps the present value, and wrong input changes nothing."""
        if image_config is not None:
            raise WebserviceException("Error, image_config works only in the cloud: give an inference_config.")
        record = self._record
        kept = record.settings if record else ServiceSettings()
        settings = kept if deployment_config is None else _settings_of(deployment_config, "update")
        if inference_config is None and record and record.inference:
            inference_config = InferenceConfig.from_json(record.inference)
        self._deploy((record.models if record else ()) if models is None else models, inference_config, settings)
        if wait:
            self.wait_for_deployment()

    @in_state(*_DEPLOYED)
    def reload(self, wait: bool = False) -> None:
        """Restart with the entry script and the models as they are now."""
        self.update(wait=wait)

    @staticmethod
    def list(  # type: ignore[override]  # the original's signatures differ, too
        workspace: WorkspaceFolder,
        model_name: str | None = None,
        model_id: str | None = None,
        all: bool | None = None,
    ) -> list[LocalWebservice]:
        """Return the services that run, or with `all` every deployed service."""
        found = [LocalWebservice(workspace, name, must_exist=False) for name in named(workspace.folder / "services")]
        return [
            service
            for service in found
            if (service.state == service.STATE_RUNNING or (all and service.state != service.STATE_UNKNOWN))
            and service.serves(model_name, model_id)
        ]

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


def _settings_of(configuration: Any, action: str) -> ServiceSettings:
    if not isinstance(configuration, LocalWebserviceDeploymentConfiguration):
        raise WebserviceException(
            "Error, provided deployment configuration must be of type LocalWebserviceDeploymentConfiguration in order "
            f"to {action} a local service."
        )
    return ServiceSettings(
        port=configuration.port or 0,
        python=configuration.python or "",
        engine=configuration.engine or "",
        engine_options=configuration.engine_options,
    )


globals().update(cloud_only_classes("core.webservice.webservice"))
