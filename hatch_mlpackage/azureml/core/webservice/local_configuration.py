"""The configuration of a local service: its port, and its interpreter or container engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.azureml.local.services import ServiceSettings
from hatch_mlpackage.serve.container import RUNNERS

_HIGHEST_PORT = 65535


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


def settings_of(configuration: Any, action: str) -> ServiceSettings:
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
