"""The original's ResourceConfiguration: the share of a machine that a model needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hatch_mlpackage.azureml.exceptions import WebserviceException

_KEYS = ("cpu", "memoryInGB", "gpu")


class ResourceConfiguration:
    """Cores, gigabytes and GPUs; kept with the model, without effect on this machine."""

    def __init__(self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu

    def validate(self) -> None:
        """Raise WebserviceException with one line for each wrong number."""
        wrong = [
            f"Invalid configuration, {name} must be {kind}greater than zero.\n"
            for name, value, kind, numbers in (
                ("cpu", self.cpu, "", (int, float)),
                ("memory_in_gb", self.memory_in_gb, "", (int, float)),
                ("gpu", self.gpu, "integer and ", (int,)),
            )
            if value is not None and not (isinstance(value, numbers) and value > 0)
        ]
        if wrong:
            raise WebserviceException("".join(wrong))

    def serialize(self) -> dict[str, Any]:
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb, "gpu": self.gpu}

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> ResourceConfiguration | None:
        """Make a configuration of what `serialize` returned.

        Raises WebserviceException where one of the three keys is missing.
        """
        if payload_obj is None:
            return None
        for key in _KEYS:
            if key not in payload_obj:
                raise WebserviceException(
                    f"Invalid webservice payload, missing {key} for ResourceConfiguration:\n{payload_obj}"
                )
        return ResourceConfiguration(*(payload_obj[key] for key in _KEYS))
