"""Check the keys whose value is one of a few words, or a number within limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import (
    CONDA_MODES,
    IMAGE_BUILDERS,
    KEY,
    LOCKERS,
    MODELS_MODES,
    Batching,
    Config,
)
from hatch_mlpackage.project.target import ARCHITECTURES

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

_LAST_PORT = 65535
_NOT_EMPTY = ("python-version", "base-image", "cuda", "conda-image")


def check_choices(config: Config, _project: Project, problems: Problems) -> None:
    for key, value, allowed in (
        ("platform", config.platform, tuple(ARCHITECTURES)),
        ("locker", config.locker, LOCKERS),
        ("image.builder", config.image.builder, IMAGE_BUILDERS),
        ("image.models", config.image.models, MODELS_MODES),
        ("conda-mode", config.conda_mode, CONDA_MODES),
    ):
        check_choice(value, allowed, f"{KEY}.{key}", problems)


def check_choice(value: str, allowed: Sequence[str], where: str, problems: Problems) -> None:
    """Report a value that is not one of the allowed words, which are in lower case."""
    if value not in allowed:
        problems.add(where, f"'{value}' is not one of {', '.join(allowed)}.", did_you_mean(value.lower(), allowed))


def check_empty(_config: Config, project: Project, problems: Problems) -> None:
    """Report empty texts, in whose place the default would be used unsaid."""
    image = project.table.get("image")
    tables = {"": project.table, "image.": image if isinstance(image, Mapping) else {}}
    for prefix, key in (*(("", key) for key in _NOT_EMPTY), ("image.", "name")):
        if tables[prefix].get(key) == "":
            problems.add(f"{KEY}.{prefix}{key}", "is empty.", "Write its value, or remove the key to use the default.")


def check_server(config: Config, _project: Project, problems: Problems) -> None:
    server, probe, port = config.server, config.image.healthcheck, config.image.port
    batching = server.batching or Batching()
    for key, value, least in (
        ("server.workers", server.workers, 1),
        ("server.scoring-timeout-ms", server.scoring_timeout_ms, 1),
        ("server.max-concurrent-requests", server.max_concurrent_requests, 1),
        ("server.max-queue-wait-ms", server.max_queue_wait_ms, 0),
        ("server.worker-memory-mb", server.worker_memory_mb, 1),
        ("server.batching.max-rows", batching.max_rows, 1),
        ("server.batching.max-delay-ms", batching.max_delay_ms, 0),
        ("image.healthcheck.interval", probe.interval, 1),
        ("image.healthcheck.timeout", probe.timeout, 1),
        ("image.healthcheck.start-period", probe.start_period, 0),
        ("image.healthcheck.retries", probe.retries, 1),
    ):
        if value is not None and value < least:
            problems.add(f"{KEY}.{key}", f"must be at least {least}, not {value}.")
    if not 1 <= port <= _LAST_PORT:
        problems.add(f"{KEY}.image.port", f"must be between 1 and {_LAST_PORT}, not {port}.")
