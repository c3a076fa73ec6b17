"""Run `serve`: bind the ports, start the workers, and serve until a signal arrives."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import sys
from types import FrameType
from typing import Iterable, Sequence

import uvicorn
import uvloop

from mlpackage_runtime.contract import CANNOT_START, log
from mlpackage_runtime.server import logs
from mlpackage_runtime.server.app import Application
from mlpackage_runtime.server.connection import ClientConnection
from mlpackage_runtime.server.pool import Pool
from mlpackage_runtime.server.settings import Settings, SettingsError, read_settings

KEEP_ALIVE = 75  # seconds that an idle connection stays open
LAST_WAIT = 3  # seconds for uvicorn to close the connections that outlast drain_timeout


def serve(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; return 0, or 3 where the entry script cannot start."""
    try:
        settings = read_settings(arguments, os.environ)
    except SettingsError as error:
        print(f"Configuration error: {error}", file=sys.stderr)
        return CANNOT_START
    logs.configure(settings)
    if os.environ.get("AML_APP_INSIGHTS_ENABLED", "").lower() == "true":
        log.warning("AML_APP_INSIGHTS_ENABLED is true, but this server sends nothing to Application Insights")
    _allow_many_connections()
    return uvloop.run(_serve(settings))


class _Server(uvicorn.Server):
    """Runs uvicorn, and turns the first signal into an event instead of an exit."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._stop.is_set():
            self.should_exit = self.force_exit = True
        self._loop.call_soon_threadsafe(self._stop.set)


async def _serve(settings: Settings) -> int:
    ports = [settings.port] if settings.health_port is None else [settings.port, settings.health_port]
    with contextlib.ExitStack() as bound:
        try:
            listeners = [bound.enter_context(_bind(settings.host, port)) for port in ports]
        except OSError as error:
            log.critical("Cannot listen on %s port %s: %s", settings.host, _joined(ports), error.strerror)
            return CANNOT_START
        log.info("Listening on %s", _joined(map(_url, listeners)))
        pool = Pool(settings, os.environ)
        application = Application(settings, pool)
        stop = asyncio.Event()
        server = _Server(_uvicorn_config(application, settings), stop)
        serving = asyncio.ensure_future(server.serve(sockets=listeners))
        try:
            return await _run(settings, pool, application, stop, _url(listeners[0]))
        finally:
            server.should_exit = True
            await serving
            await pool.close()


def _uvicorn_config(application: Application, settings: Settings) -> uvicorn.Config:
    connection = type("Connection", (ClientConnection,), {"receive_timeout": settings.receive_timeout})
    return uvicorn.Config(
        application,
        loop="none",
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=2048,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LAST_WAIT,
    )


async def _run(settings: Settings, pool: Pool, application: Application, stop: asyncio.Event, url: str) -> int:
    """Start the workers, wait for the signal to stop, and return the exit status."""
    stopping = asyncio.ensure_future(stop.wait())
    starting = asyncio.ensure_future(pool.start())
    await asyncio.wait({stopping, starting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        return 0
    reason = starting.result()
    if reason:
        log.critical("The entry script cannot start: %s", reason)
        stopping.cancel()
        return CANNOT_START
    log.info("Scoring timeout is set to %d", settings.scoring_timeout_ms)
    log.info("Ready: %s/score, %d worker(s)", url, settings.worker_count)
    await stopping
    log.info("Stopping: finishing what was accepted")
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(application.drain(), settings.drain_timeout)
    return 0


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _joined(values: Iterable[object]) -> str:
    return " and ".join(map(str, values))


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))
