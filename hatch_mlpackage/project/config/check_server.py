"""Check the numbers that say how the image serves and how Docker probes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.keys import KEY, Config

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

_LAST_PORT = 65535


def check_server(config: Config, project: Project, problems: Problems) -> None:
    del project
    server, probe, port = config.server, config.image.healthcheck, config.image.port
    for key, value, least in (
        ("server.workers", server.workers, 1),
        ("server.scoring-timeout-ms", server.scoring_timeout_ms, 1),
        ("server.max-concurrent-requests", server.max_concurrent_requests, 1),
        ("server.max-queue-wait-ms", server.max_queue_wait_ms, 0),
        ("image.healthcheck.interval", probe.interval, 1),
        ("image.healthcheck.timeout", probe.timeout, 1),
        ("image.healthcheck.start-period", probe.start_period, 0),
        ("image.healthcheck.retries", probe.retries, 1),
    ):
        if value is not None and value < least:
            problems.add(f"{KEY}.{key}", f"must be at least {least}, not {value}.")
    if not 1 <= port <= _LAST_PORT:
        problems.add(f"{KEY}.image.port", f"must be between 1 and {_LAST_PORT}, not {port}.")
