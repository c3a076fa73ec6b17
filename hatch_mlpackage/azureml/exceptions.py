"""The original's exceptions, with its names: what is caught by them there is caught by them here.

They are errors of ours as well: `MLPackageError` catches all of them.
"""

from __future__ import annotations

from typing import Any

from hatch_mlpackage.errors import MLPackageError


class AzureMLException(MLPackageError):
    """Base of the original's exceptions; `message` is the text, `inner_exception` what led to it."""

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


class RunConfigurationException(AzureMLException): ...


class WebserviceException(AzureMLException):
    """An error of models and services; `status_code` is always None here, where no cloud answers."""

    def __init__(self, exception_message: str = "", status_code: int | None = None, **named: Any) -> None:
        super().__init__(exception_message, **named)
        self.status_code = status_code


class ModelNotFoundException(AzureMLException): ...


class ModelPathNotFoundException(AzureMLException): ...


class NotInTheCloudError(UserErrorException):
    """What needs an Azure account was used; the message names what does it here."""
