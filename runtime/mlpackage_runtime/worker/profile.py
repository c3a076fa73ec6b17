"""Start a script as a worker does, and write how long that took."""

import json
import os
from typing import Any, Dict

from mlpackage_runtime.contract import CANNOT_START
from mlpackage_runtime.frames import WorkerSettings
from mlpackage_runtime.worker.errors import StartError
from mlpackage_runtime.worker.starting import start


def profile(output: str) -> int:
    """Write a JSON object to a file: the times of the start in seconds, or why the script cannot start."""
    try:
        said: Dict[str, Any] = start(_settings()).times._asdict()
    except StartError as error:
        said = {"failed": str(error)}
    with open(output, "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(said, file)
    return CANNOT_START if "failed" in said else 0


def _settings() -> WorkerSettings:
    """Return the settings of a worker that gets no requests: where its files are, and no limits."""
    files = {
        "app_root": "AML_APP_ROOT",
        "entry_script": "AZUREML_ENTRY_SCRIPT",
        "source_directory": "AZUREML_SOURCE_DIRECTORY",
        "model_dir": "AZUREML_MODEL_DIR",
    }
    texts = {"log_format": "line", "service_name": "", "service_version": "", "service_path_prefix": ""}
    found = {name: os.environ.get(variable, "") for name, variable in files.items()}
    everything: Dict[str, Any] = dict.fromkeys(WorkerSettings._fields, 0)
    return WorkerSettings(**{**everything, **texts, **found})
