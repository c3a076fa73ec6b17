"""Read the server's settings: a flag wins over a variable, and a variable over the configuration file."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import Mapping, Sequence

from mlpackage_runtime.frames import WorkerSettings
from mlpackage_runtime.server.cors import Cors
from mlpackage_runtime.server.flags import HEALTH_PORT, PORT, read_flags
from mlpackage_runtime.server.values import (
    Values,
    at_least,
    existing,
    none_or_at_least,
    one_of,
    port_number,
    read_file,
    seconds,
    switch,
)

HOUR_MS = 3_600_000
BODY_LIMIT = 100 * 2**20  # the limit of the front end in the original's image
VERSION = "mlpackage-runtime/1.0"


@dataclass(frozen=True)
class Settings:
    """The settings of `serve`; times are in seconds where the name has no unit, sizes in bytes."""

    app_root: str
    entry_script: str
    source_directory: str
    model_dir: str
    host: str
    port: int
    health_port: int | None  # None: probes use `port`
    worker_count: int
    worker_python: str
    scoring_timeout_ms: int
    drain_timeout: float
    receive_timeout: float
    body_limit: int
    bodies_limit: int
    decompressed_limit: int
    compression_ratio: int
    json_limit: int
    worker_memory: int
    connection_limit: int
    peer_limit: int
    queue_limit: int
    max_concurrent_requests: int | None  # None: one for each worker where a request's wait is limited, else any number
    max_queue_wait_ms: int | None
    cors: Cors | None
    direct_path: bool
    batching_max_rows: int  # 0 where requests are not merged
    batching_max_delay_ms: int
    log_format: str
    warm_up: bool
    server_version: str
    service_name: str
    service_version: str
    service_path_prefix: str

    def start_frame(self) -> bytes:
        """Return the settings that a worker needs, as the body of its first frame."""
        return json.dumps({name: getattr(self, name) for name in WorkerSettings._fields}).encode()

    def worker_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a worker, in which scripts look up where their files are."""
        ours = {
            "AML_APP_ROOT": self.app_root,
            "AZUREML_ENTRY_SCRIPT": self.entry_script,
            "AZUREML_MODEL_DIR": self.model_dir,
        }
        present = {name: value for name, value in ours.items() if value}
        return {"PYTHONUNBUFFERED": "1", **environ, **present}


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings; raises SettingsError, or exits with status 2 for an unknown flag."""
    flags = read_flags(arguments)
    path = flags.get("config-file") or environ.get("AZUREML_CONFIG_FILE", "")
    values = Values(flags, environ, read_file(path) if path else {})
    separate = values.read("", "SEPERATE_HEALTH_ENDPOINT", "", str) == "true"
    announced = values.read("", "SERVER_VERSION_LOG_RESPONSE_ENABLED", "true", str.lower) == "true"
    body_limit = values.read("", "MLPACKAGE_BODY_LIMIT", BODY_LIMIT, at_least(0))
    rows = values.read("", "MLPACKAGE_BATCHING_MAX_ROWS", 256, at_least(1))
    return Settings(
        app_root=os.path.abspath(values.read("", "AML_APP_ROOT", "", str) or os.getcwd()),
        # The flag is relative to the current folder, the variable to the app root.
        entry_script=values.read(
            "entry-script", "AZUREML_ENTRY_SCRIPT", "", os.path.realpath if "entry-script" in flags else str
        ),
        source_directory=values.read("", "AZUREML_SOURCE_DIRECTORY", "", str),
        # An image without models may have the variable of its base, but whoever gives the flag has a folder in mind.
        model_dir=values.read("model-dir", "AZUREML_MODEL_DIR", "", existing if "model-dir" in flags else str),
        host=values.read("host", "MLPACKAGE_HOST", "0.0.0.0", str),
        port=values.read("port", "MLPACKAGE_PORT", PORT, port_number),
        health_port=values.read("health-port", "HEALTH_PORT", HEALTH_PORT, port_number) if separate else None,
        worker_count=values.read("worker-count", "WORKER_COUNT", 1, at_least(1)),
        worker_python=values.read("worker-python", "MLPACKAGE_WORKER_PYTHON", sys.executable, str),
        scoring_timeout_ms=values.read("", "SCORING_TIMEOUT_MS", HOUR_MS, at_least(1)),
        drain_timeout=values.read("", "MLPACKAGE_DRAIN_TIMEOUT", 30.0, seconds),
        receive_timeout=values.read("", "MLPACKAGE_RECEIVE_TIMEOUT", 30.0, seconds),
        body_limit=body_limit,
        bodies_limit=values.read("", "MLPACKAGE_BODIES_LIMIT", 4 * body_limit, none_or_at_least(body_limit)),
        decompressed_limit=values.read("", "MLPACKAGE_DECOMPRESSED_LIMIT", body_limit, at_least(0)),
        compression_ratio=values.read("", "MLPACKAGE_COMPRESSION_RATIO", 100, at_least(0)),
        json_limit=values.read("", "MLPACKAGE_JSON_LIMIT", 25_000_000, at_least(0)),
        worker_memory=values.read("", "MLPACKAGE_WORKER_MEMORY", 0, at_least(0)),
        connection_limit=values.read("", "MLPACKAGE_CONNECTION_LIMIT", 4096, at_least(0)),
        peer_limit=values.read("", "MLPACKAGE_PEER_LIMIT", 2048, at_least(0)),
        queue_limit=values.read("", "MLPACKAGE_QUEUE_LIMIT", 1000, at_least(0)),
        max_concurrent_requests=values.read("", "MLPACKAGE_MAX_CONCURRENT_REQUESTS", None, at_least(1)),
        max_queue_wait_ms=values.read("", "MLPACKAGE_MAX_QUEUE_WAIT_MS", None, at_least(0)),
        cors=values.read("access-control-allow-origins", "AML_CORS_ORIGINS", None, Cors),
        direct_path=values.read("", "MLPACKAGE_DIRECT_PATH", True, switch),  # noqa: FBT003
        batching_max_rows=rows if values.read("", "MLPACKAGE_BATCHING", False, switch) else 0,  # noqa: FBT003
        batching_max_delay_ms=values.read("", "MLPACKAGE_BATCHING_MAX_DELAY_MS", 0, at_least(0)),
        log_format=values.read("log-format", "MLPACKAGE_LOG_FORMAT", "line", one_of("line", "json")),
        warm_up=values.read("", "MLPACKAGE_WARM_UP", False, switch),  # noqa: FBT003 - as all defaults
        server_version=values.read("", "HTTP_X_MS_SERVER_VERSION", VERSION, str) if announced else "",
        service_name=values.read("", "SERVICE_NAME", "ML service", str),
        service_version=values.read("", "SERVICE_VERSION", "1.0", str),
        service_path_prefix=values.read("", "SERVICE_PATH_PREFIX", "", str),
    )
