"""Run `serve`: bind the ports, start the workers, and serve until a signal arrives."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import socket
import sys
from typing import Iterable, Sequence

import uvicorn
import uvloop

from mlpackage_runtime.contract import CANNOT_START, log
from mlpackage_runtime.lifetime import adopt_orphans, end_with
from mlpackage_runtime.server import logs
from mlpackage_runtime.server.allocator import keep_freed_memory
from mlpackage_runtime.server.app import Application
from mlpackage_runtime.server.connection import ClientConnection
from mlpackage_runtime.server.peers import RESERVE, Peers
from mlpackage_runtime.server.pool import Pool
from mlpackage_runtime.server.reaper import reap_orphans
from mlpackage_runtime.server.settings import Settings, read_settings
from mlpackage_runtime.server.stopping import StoppableServer
from mlpackage_runtime.server.stored import MOST
from mlpackage_runtime.server.values import SettingsError

BACKLOG = 2048
KEEP_ALIVE = 75  # seconds that an idle connection stays open
OTHER_FILES = RESERVE + MOST + 128  # the reserve, bodies, sockets of workers, and what the interpreter opens
LAST_WAIT = 3  # seconds for uvicorn to close the connections that outlast drain_timeout


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
    logs.configure(settings)
    if os.environ.get("AML_APP_INSIGHTS_ENABLED", "").lower() == "true":
        log.warning("AML_APP_INSIGHTS_ENABLED is true, but this server sends nothing to Application Insights")
    adopt_orphans()
    keep_freed_memory()
    try:
        return uvloop.run(_serve(settings, _connections_allowed(settings.connection_limit), own_folder))
    finally:
        logs.close()


async def _serve(settings: Settings, connections: int, own_folder: str) -> int:
    ports = {"--port": settings.port, "--health-port": settings.health_port}
    listeners = []
    with contextlib.ExitStack() as bound:
        for flag, port in ports.items():
            if port is None:
                continue
            try:
                listeners.append(bound.enter_context(_bind(settings.host, port)))
            except OSError as error:
                log.critical("Cannot listen on %s port %s: %s", settings.host, port, _with_next_step(error, flag))
                return CANNOT_START
        log.info("Listening on %s", _joined(map(_url, listeners)))
        pool = Pool(settings, os.environ)
        request_log = logs.RequestLog(settings)
        application = Application(settings, pool, request_log)
        server = StoppableServer(_uvicorn_config(application, settings, connections))
        serving = asyncio.ensure_future(server.serve(sockets=listeners))
        reaping = asyncio.ensure_future(reap_orphans())
        serving.add_done_callback(lambda _: server.stop.set())  # it ends before only where it fails
        try:
            reason = await _run(settings, pool, application, server, _url(listeners[0]))
            if reason:
                log.critical("The entry script cannot start: %s", _as_known(reason, settings, own_folder))
            return CANNOT_START if reason else 0
        finally:
            server.should_exit = True
            try:
                await serving
            finally:
                await pool.close(hurry=server.hurry.is_set())
                reaping.cancel()
                request_log.flush()


def _uvicorn_config(application: Application, settings: Settings, connections: int) -> uvicorn.Config:
    limits = {"receive_timeout": settings.receive_timeout, "peers": Peers(connections, settings.peer_limit)}
    shared = {**limits, "direct_path": application.direct_path}
    return uvicorn.Config(
        application,
        loop="none",
        http=type("Connection", (ClientConnection,), shared),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LAST_WAIT,
    )


def _as_known(reason: str, settings: Settings, own_folder: str) -> str:
    """Name the sources in a reason by the paths that the user knows, if they were laid out elsewhere for serving."""
    laid_out = os.path.join(settings.app_root, settings.source_directory)
    return reason.replace(os.path.join(laid_out, ""), os.path.join(own_folder, "")) if own_folder else reason


async def _run(settings: Settings, pool: Pool, application: Application, server: StoppableServer, url: str) -> str:
    """Start the workers and wait for the signal to stop; return the reason if the script cannot start."""
    stopping = asyncio.ensure_future(server.stop.wait())
    starting = asyncio.ensure_future(pool.start())
    await asyncio.wait({stopping, starting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        return ""
    if reason := starting.result():
        stopping.cancel()
        return reason
    log.info("Scoring timeout is set to %d", settings.scoring_timeout_ms)
    log.info("Ready: %s/score, %d worker(s)", url, settings.worker_count)
    await stopping
    log.info("Stopping: finishing what was accepted; another signal ends that at once")
    await _drain(application, server, settings.drain_timeout)
    return ""


async def _drain(application: Application, server: StoppableServer, timeout: float) -> None:
    """Answer what was accepted and refuse the rest, until nothing comes, the time is over, or a signal says so."""

    async def drained() -> None:
        await application.drain()
        await server.wait_until_quiet()

    waits = {asyncio.ensure_future(drained()), asyncio.ensure_future(server.hurry.wait())}
    await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # fails here where two sockets are bound to one port
    except BaseException:
        listener.close()
        raise
    return listener


def _with_next_step(error: OSError, flag: str) -> str:
    """Say why a port cannot be listened on, and what to choose instead: another port, or an address that is ours."""
    taken, forbidden = error.errno == errno.EADDRINUSE, error.errno == errno.EACCES
    step = "Stop what listens there, or choose another port" if taken else "Choose another port"
    step = f"{step}: {flag}" if taken or forbidden else "Choose an address of this machine: --host"
    return f"{error.strerror}. {step}"


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _joined(values: Iterable[object]) -> str:
    return " and ".join(map(str, values))


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
