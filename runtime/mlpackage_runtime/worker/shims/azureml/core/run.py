"""Give scripts that were also run for training a run that is offline, as the original gave outside of an experiment."""

# mypy: disable-error-code="import-not-found, metaclass, misc, no-any-return, unused-ignore"
from typing import Any, Callable, Optional
from uuid import uuid4

from azureml.core.placeholders import Placeholder, placeholder

_METHODS = (
    "add_properties set_tags tag complete fail cancel flush log log_list log_table log_row log_image log_residuals"
    " log_predictions log_accuracy_table log_confusion_matrix upload_folder upload_files upload_file"
)


class RunEnvironmentException(Exception):  # noqa: N818 - the original's name
    """No run is active."""


class _OfflineRun:
    """A run that records nothing, and prints what it was to record; it has no experiment, and so no workspace."""

    def __init__(self, run_id: Optional[str] = None) -> None:
        self.id = run_id or f"OfflineRun_{uuid4()}"

    def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None, **_named: Any) -> "_OfflineRun":
        return _OfflineRun(run_id or f"{self.id}.{name or uuid4()}")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_raised: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in _METHODS.split():
            raise AttributeError(f"'_OfflineRun' object has no attribute '{name}': no run is active in a scoring image")

        def record(*values: object, **named: object) -> None:
            given = [*map(repr, values), *(f"{key}={value!r}" for key, value in named.items())]
            print(f"No run is active, so nothing is recorded: {name}({', '.join(given)})")

        return record


class Run(metaclass=Placeholder):
    """The part of azureml.core.Run that works without a workspace."""

    @staticmethod
    def get_context(allow_offline: object = 1, *_values: object, **_named: object) -> _OfflineRun:
        """Return a run that records nothing; raise RunEnvironmentException where only a real one will do."""
        if not allow_offline:
            raise RunEnvironmentException("No run is active: a scoring image runs outside of any experiment.")
        return _OfflineRun()


def __getattr__(name: str) -> Any:
    return placeholder(__name__, name)
