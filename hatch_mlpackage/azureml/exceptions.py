"""The original's exceptions by its names, so that code which catches them works here.

All of them are MLPackageError too.
"""

from __future__ import annotations

from typing import Any

from hatch_mlpackage.errors import MLPackageError


class AzureMLException(MLPackageError):
    """Base of the original's exceptions; `message` is the text, `inner_exception` the cause."""

    def __init__(self, exception_message: str = "", inner_exception: BaseException | None = None, **_: Any) -> None:
        super().__init__(exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception


class TrainingException(AzureMLException): ...


class ExperimentExecutionException(AzureMLException): ...


class ProjectSystemException(AzureMLException): ...


class RunEnvironmentException(AzureMLException): ...


class WorkspaceException(AzureMLException): ...


class ComputeTargetException(AzureMLException): ...


class UserErrorException(AzureMLException): ...


class AuthenticationException(UserErrorException): ...


class ActivityFailedException(AzureMLException): ...


class AzureMLAggregatedException(AzureMLException): ...


class DatasetTimestampMissingError(AzureMLException): ...


class DiscoveryUrlNotFoundException(AzureMLException): ...


class ParallelRunException(AzureMLException): ...


class ServiceException(AzureMLException): ...


class SnapshotException(AzureMLException): ...


class WorkspacePrivateEndpointException(AzureMLException): ...


class RunConfigurationException(AzureMLException): ...


class WebserviceException(AzureMLException):
    """An error of models and services; `status_code` is the HTTP status of a service's answer, else None."""

    def __init__(self, exception_message: str = "", status_code: int | None = None, **named: Any) -> None:
        super().__init__(exception_message, **named)
        self.status_code = status_code


class ModelNotFoundException(AzureMLException): ...


class ModelPathNotFoundException(AzureMLException): ...


class NotInTheCloudError(UserErrorException):
    """A name was used that needs an Azure account; the message says what to use here."""
