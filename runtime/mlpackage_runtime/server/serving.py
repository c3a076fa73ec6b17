"""Serve on sockets that are bound: start uvicorn, wait for the workers, and stop when a signal arrives."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Sequence

import uvicorn
import uvloop

from mlpackage_runtime.contract import CANNOT_START, log
from mlpackage_runtime.server.app import Application
from mlpackage_runtime.server.connection import ClientConnection
from mlpackage_runtime.server.peers import Peers
from mlpackage_runtime.server.pool import Pool
from mlpackage_runtime.server.reaper import reaping
from mlpackage_runtime.server.request_log import RequestLog
from mlpackage_runtime.server.settings import Settings
from mlpackage_runtime.server.sockets import BACKLOG, url_of
from mlpackage_runtime.server.stopping import StoppableServer

KEEP_ALIVE = 75  # seconds that an idle connection stays open
LAST_WAIT = 3  # seconds for uvicorn to close the connections that outlast drain_timeout


def run(
    settings: Settings,
    listeners: Sequence[socket.socket],
    connections: int,
    own_folder: str,
    stops: Sequence[int],
) -> int:
    """Serve in an event loop; return 0, or 3 where the entry script cannot start.

    `own_folder` is that of the sources as the user knows them; `stops` are signals that have come too early.
    """
    return uvloop.run(_serve(settings, listeners, connections, own_folder, stops))


async def _serve(
    settings: Settings, listeners: Sequence[socket.socket], connections: int, own_folder: str, stops: Sequence[int]
) -> int:
    pool = Pool(settings, os.environ)
    request_log = RequestLog(settings)
    application = Application(settings, pool, request_log)
    server = StoppableServer(_uvicorn_config(application, settings, connections))
    with reaping():
        serving = asyncio.ensure_future(server.serve(sockets=list(listeners)))
        serving.add_done_callback(lambda _: server.stop.set())  # it ends before only where it fails
        asyncio.get_running_loop().call_soon(_repeat, stops)  # when uvicorn has begun to handle them
        try:
            reason = await _run(settings, pool, application, server, url_of(listeners[0]))
            if reason:
                log.critical("The entry script cannot start: %s", _as_known(reason, settings, own_folder))
            return CANNOT_START if reason else 0
        finally:
            server.should_exit = True
            try:
                await serving
            finally:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it does not wait for the workers to end
                await pool.close(hurry=server.hurry.is_set())
                request_log.flush()


def _repeat(signals: Sequence[int]) -> None:
    for number in signals:
        signal.raise_signal(number)


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
