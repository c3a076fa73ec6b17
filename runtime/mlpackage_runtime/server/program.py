"""Run `serve`: bind the ports, start the workers, and serve until a signal arrives.

The workers start first, and import what their script needs while this process imports what the server needs. So
nothing that takes long is imported before them.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from typing import Sequence

from mlpackage_runtime.contract import CANNOT_START, log
from mlpackage_runtime.lifetime import adopt_orphans, end_with
from mlpackage_runtime.server import logs
from mlpackage_runtime.server.allocator import keep_freed_memory
from mlpackage_runtime.server.cpus import processors, thread_variables
from mlpackage_runtime.server.peers import RESERVE
from mlpackage_runtime.server.settings import Settings, read_settings
from mlpackage_runtime.server.sockets import bind, url_of, with_next_step
from mlpackage_runtime.server.spawn import spawn_early
from mlpackage_runtime.server.stored import MOST
from mlpackage_runtime.server.values import SettingsError

OTHER_FILES = RESERVE + MOST + 128  # the reserve, bodies, sockets of workers, and what the interpreter opens


def serve(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; return 0, or 3 where the entry script cannot start."""
    try:
        settings = read_settings(arguments, os.environ)
    except SettingsError as error:
        print(f"Configuration error: {error}", file=sys.stderr)
        return CANNOT_START
    if not end_with(os.environ.pop("MLPACKAGE_PARENT", "")):
        return 0
    own_folder = os.environ.pop("MLPACKAGE_OWN_FOLDER", "")  # where the user keeps the sources that were laid out here
    stops: list[int] = []  # signals that came before there was a server to stop
    signal.signal(signal.SIGTERM, lambda number, frame: stops.append(number))
    logs.configure(settings)
    if os.environ.get("AML_APP_INSIGHTS_ENABLED", "").lower() == "true":
        log.warning("AML_APP_INSIGHTS_ENABLED is true, but this server sends nothing to Application Insights")
    adopt_orphans()
    keep_freed_memory()
    try:
        return _serve(settings, own_folder, stops)
    finally:
        logs.close()


def _serve(settings: Settings, own_folder: str, stops: Sequence[int]) -> int:
    connections = _connections_allowed(settings.connection_limit)
    ports = {"--port": settings.port, "--health-port": settings.health_port}
    listeners = []
    with contextlib.ExitStack() as bound:
        for flag, port in ports.items():
            if port is None:
                continue
            try:
                listeners.append(bound.enter_context(bind(settings.host, port)))
            except OSError as error:
                log.critical("Cannot listen on %s port %s: %s", settings.host, port, with_next_step(error, flag))
                return CANNOT_START
        log.info("Listening on %s", " and ".join(map(url_of, listeners)))
        _share_processors(settings.worker_count)
        environment = settings.worker_environment(os.environ)
        spawn_early(settings.worker_python, environment, settings.start_frame(), settings.worker_count)
        from mlpackage_runtime.server.serving import run  # while the workers import their own

        return run(settings, listeners, connections, own_folder, stops)


def _share_processors(workers: int) -> None:
    """Set how many threads the numeric libraries of each worker have, where the user has not."""
    found = processors()
    threads = thread_variables(os.environ, workers, found)
    if threads:
        os.environ.update(threads)
        *names, last = threads
        shown = f"{', '.join(names)} and {last} are set to {threads[last]}"
        log.info("%g CPU(s) for %d worker(s): %s", found.usable, workers, shown)


def _connections_allowed(limit: int) -> int:
    """Allow the process as many files as it may have, and return how many connections leave room for the others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        wanted = hard if hard != resource.RLIM_INFINITY else 65536
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    most = max(soft - OTHER_FILES, 1)
    if limit > most:
        log.warning("MLPACKAGE_CONNECTION_LIMIT is %d, but this process may only have %d files", limit, soft)
    return min(limit or most, most)
