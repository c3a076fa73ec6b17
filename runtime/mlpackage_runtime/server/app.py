"""The ASGI application: `/` for probes, `/score` for the workers."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Awaitable, Callable, MutableMapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlpackage_runtime.server import answers
from mlpackage_runtime.server.body import BodyTooLargeError, ClientGoneError, read_body
from mlpackage_runtime.server.connection import GONE
from mlpackage_runtime.server.ids import IdTooLongError, response_ids
from mlpackage_runtime.server.pool import Pool, Unavailable
from mlpackage_runtime.server.worker import Broken, DeadlinePassed, Reply, WorkerDied

if TYPE_CHECKING:
    from mlpackage_runtime.server.answers import Headers
    from mlpackage_runtime.server.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger("azmlinfsrv")

SCORE_METHODS = frozenset(("GET", "POST", "OPTIONS", "HEAD"))


class Application:
    """Answers every request; `/score` takes the short way past the router, since it is what counts."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._version: Headers = []
        if settings.server_version:
            self._version = [(b"x-ms-server-version", settings.server_version.encode("latin-1", "replace"))]
        self._in_flight = 0
        self._drained = asyncio.Event()
        self._draining = False
        self._routes = Starlette(
            routes=[
                Route("/", self._health, methods=["GET"]),
                Route("/score", _Endpoint(self._score), methods=sorted(SCORE_METHODS)),
            ],
            exception_handlers={HTTPException: _routing_error},  # type: ignore[dict-item]
        )
        self._routes.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] != "/score" or scope["method"] not in SCORE_METHODS:
            await self._routes(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._score(scope, receive, send)
        finally:
            self._in_flight -= 1
            if self._draining and not self._in_flight:
                self._drained.set()

    async def drain(self) -> None:
        """Refuse what comes from now on, and return when what was accepted is answered."""
        self._draining = True
        if self._in_flight:
            await self._drained.wait()

    async def _health(self, request: Request) -> Response:
        if self._pool.healthy and not self._draining:
            return Response("Healthy", media_type="text/html")
        return Response("Unhealthy", 503, media_type="text/html")

    async def _score(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        try:
            ids = response_ids(scope["headers"])
            status, headers, body, stream = await self._answer(scope, receive)
        except IdTooLongError as too_long:
            ids, (status, (headers, body), stream) = too_long.headers, (431, answers.error(str(too_long)), None)
        except ClientGoneError:
            return
        if stream is None:
            headers.append((b"content-length", b"%d" % len(body)))
        headers += self._version
        headers += ids
        await send({"type": "http.response.start", "status": status, "headers": headers})
        length = str(len(body)) if stream is None else "N/A"
        if stream is None:
            await send({"type": "http.response.body", "body": body})
        else:
            await _send_stream(stream, send)
        log.info("%s %s %d %.3fms %s", scope["method"], _target(scope), status, _ms_since(started), length)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes, Any]:
        """Return the status, headers and body that a worker, or we for it, answer."""
        if self._draining:
            return _refusal(503, "The server is shutting down.", close=True)
        try:
            body = await read_body(scope, receive, self._settings.body_limit)
        except BodyTooLargeError as error:
            return _refusal(413, str(error), close=True)
        head = [scope["method"].encode(), scope["path"].encode(), scope["query_string"]]
        head += chain.from_iterable(scope["headers"])
        try:
            reply: Reply = await self._pool.score(head, body, lambda: GONE in scope)
        except Unavailable as error:
            return _refusal(503, str(error), retry=True)
        except WorkerDied:
            return _refusal(500, answers.SCRIPT_ERROR, script_failed=True)
        except DeadlinePassed:
            message = f"Scoring timeout after {self._settings.scoring_timeout_ms} ms"
            return _refusal(500, message, script_failed=True)
        return reply.status, list(zip(reply.headers[::2], reply.headers[1::2])), reply.body, reply.stream


class _Endpoint:
    """An ASGI application for the router, which takes a plain method for a function of a request."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)


def _refusal(
    status: int, message: str, *, script_failed: bool = False, close: bool = False, retry: bool = False
) -> tuple[int, Headers, bytes, None]:
    headers, body = answers.error(message, script_failed=script_failed)
    if close:
        headers.append((b"connection", b"close"))
    if retry:
        headers.append((b"retry-after", b"1"))
    return status, headers, body, None


async def _send_stream(stream: Any, send: Send) -> None:
    try:
        while True:
            part = await stream.next()
            if part is None:
                break
            await send({"type": "http.response.body", "body": part, "more_body": True})
    except Broken:
        # Ending without the last message makes uvicorn cut the connection: the client sees that the body is not whole.
        return
    await send({"type": "http.response.body", "body": b""})


async def _routing_error(request: Request, error: HTTPException) -> Response:
    message = {404: answers.NOT_FOUND, 405: answers.WRONG_METHOD}.get(error.status_code, error.detail)
    content = json.dumps({"message": message})
    headers = {"x-ms-run-function-failed": "False"}
    return Response(content, error.status_code, headers, media_type="application/json")


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
