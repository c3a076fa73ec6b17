"""Answer the routes: `/` for probes, `/score` with the workers, `/swagger.json` for clients."""

from __future__ import annotations

import time
from itertools import chain
from typing import Callable
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from mlpackage_runtime.contract import JSON_TYPE, RUN_SUCCEEDED, SCRIPT_ERROR
from mlpackage_runtime.server import answers
from mlpackage_runtime.server.answers import HTML_TYPE, Outgoing
from mlpackage_runtime.server.asgi import DIRECT, GONE, Receive, Scope, Send
from mlpackage_runtime.server.body import Body, BodyTooLargeError, NoRoomError, Room, read_body
from mlpackage_runtime.server.direct import DirectPath, DirectRequest
from mlpackage_runtime.server.endpoint import Endpoint, Respond, target_of
from mlpackage_runtime.server.flights import Flights
from mlpackage_runtime.server.gate import has_gate, way_to_workers
from mlpackage_runtime.server.jobs import DeadlinePassed, Reply, WorkerDied
from mlpackage_runtime.server.pool import Pool, Unavailable
from mlpackage_runtime.server.request_log import RequestLog
from mlpackage_runtime.server.settings import Settings
from mlpackage_runtime.server.stored import Parts

PROBE_METHODS = ("GET", "HEAD", "OPTIONS")
SCORE_METHODS = ("GET", "HEAD", "OPTIONS", "POST")


class ExactRoute(Route):
    """A route for one path and no other: Starlette's pattern for it would allow a newline at the end."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope["path"] == self.path else (Match.NONE, {})


class Application:
    """Answers every request; `/score` bypasses the router, because its speed counts most."""

    def __init__(self, settings: Settings, pool: Pool, log: RequestLog) -> None:
        self._settings = settings
        self._pool = pool
        self._log = log
        self._ask_worker = way_to_workers(settings, pool)
        self._flights = Flights()
        self._draining = False
        self._room = Room(settings.bodies_limit)
        self._score = self._endpoint(self._scored, log)
        self.direct_path: DirectPath | None = None
        if settings.direct_path and not has_gate(settings):
            self.direct_path = DirectPath(pool, self._score, self._flights, settings.body_limit)
        self._routes = Starlette(
            routes=[
                ExactRoute("/", self._endpoint(self._health), methods=list(PROBE_METHODS)),
                ExactRoute("/score", self._score, methods=list(SCORE_METHODS)),
                ExactRoute("/swagger.json", self._endpoint(self._swagger, log), methods=list(PROBE_METHODS)),
            ],
            exception_handlers={HTTPException: self._routing_error},
        )
        self._routes.router.redirect_slashes = False

    def _endpoint(self, respond: Respond, log: RequestLog | None = None) -> Endpoint:
        return Endpoint(respond, self._settings, log, room=self._room, stopping=lambda: self._draining)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if DIRECT not in scope:
            self._flights.begin()
        try:
            if scope["path"] == "/score" and scope["method"] in SCORE_METHODS:
                await self._score(scope, receive, send)
            else:
                await self._routes(scope, receive, send)
        finally:
            self._flights.end()

    async def _routing_error(self, request: Request, error: Exception) -> Response:
        """Answer a request for an unknown path or method, and log it: the client has a wrong URL."""
        started = time.perf_counter()
        if not isinstance(error, HTTPException):
            raise error
        message = {404: answers.NOT_FOUND, 405: answers.WRONG_METHOD}.get(error.status_code, error.detail)
        headers = {"x-ms-run-function-failed": "False", **(error.headers or {})}
        body = answers.json_body({"message": message})
        took, target = (time.perf_counter() - started) * 1000, target_of(request.scope)
        self._log.add(request.method, target, error.status_code, took, length=len(body), request_id="")
        return Response(body, error.status_code, headers, media_type="application/json")

    async def drain(self) -> None:
        """Refuse new requests, and return when every accepted request has its response."""
        self._draining = True
        await self._flights.wait_until_none()

    async def _health(self, scope: Scope, receive: Receive, request_id: bytes) -> Outgoing:
        if scope["method"] == "OPTIONS":
            return _allowed(PROBE_METHODS)
        if self._pool.healthy and not self._draining:
            return answers.whole(200, [HTML_TYPE], b"Healthy")
        return answers.whole(503, [HTML_TYPE], b"Unhealthy")

    async def _swagger(self, scope: Scope, receive: Receive, request_id: bytes) -> Outgoing:
        if scope["method"] == "OPTIONS":
            return _allowed(PROBE_METHODS)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        version = next((value for name, value in query if name == "version"), "2")
        documents, supported = self._pool.description.swagger, self._pool.description.swagger_versions
        document = documents.get(version)
        if document is not None:
            return answers.whole(200, [JSON_TYPE, RUN_SUCCEEDED], document.encode())
        names = ", ".join(supported)
        if version not in documents:
            return answers.error(404, f"Swagger version [{version}] is not valid. Supported versions: [{names}].")
        return answers.error(
            404,
            f"Swagger version [{version}] is not supported for the scoring script."
            f" Supported swagger versions: [{names}].",
        )

    async def _scored(self, scope: Scope, receive: Receive, request_id: bytes) -> Outgoing:
        direct: DirectRequest | None = scope.get(DIRECT)
        outcome = direct.take_outcome() if direct is not None else None
        if outcome is not None:
            return self._outgoing(outcome)
        if not self._pool.description.raw and scope["method"] in {"OPTIONS", "HEAD"}:
            return _not_for_the_script(scope["method"])
        accepted = not self._draining
        body = Body(self._room)
        try:
            await read_body(scope, receive, self._settings.body_limit, body)
            if self._draining and not accepted:
                return answers.error(503, "The server is shutting down.", retry_after=1)
            client = scope["client"][0] if scope["client"] else ""
            head = [scope["method"].encode(), b"/score", scope["query_string"], client.encode(), request_id]
            head += chain.from_iterable(scope["headers"])
            return await self._worker_answer(head, body.parts, lambda: GONE in scope)
        except BodyTooLargeError as error:
            return answers.error(413, str(error), close=True)
        except NoRoomError as error:
            return answers.error(503, str(error), close=True, retry_after=1)
        finally:
            body.close()

    async def _worker_answer(self, head: list[bytes], body: Parts, gone: Callable[[], bool]) -> Outgoing:
        try:
            outcome: Reply | Exception = await self._ask_worker(head, body, gone)
        except (Unavailable, WorkerDied, DeadlinePassed) as error:
            outcome = error
        return self._outgoing(outcome)

    def _outgoing(self, outcome: Reply | Exception) -> Outgoing:
        """Return the response that says what became of a request; raises what is no outcome of a worker."""
        if isinstance(outcome, Reply):
            headers = list(zip(outcome.headers[::2], outcome.headers[1::2]))
            return Outgoing(outcome.status, headers, outcome.body, outcome.stream)
        if isinstance(outcome, Unavailable):
            return answers.error(503, str(outcome), retry_after=outcome.retry_after)
        if isinstance(outcome, WorkerDied):
            return answers.error(500, SCRIPT_ERROR, script_failed=True)
        if isinstance(outcome, DeadlinePassed):
            limit = self._settings.scoring_timeout_ms
            return answers.error(500, f"Scoring timeout after {limit} ms", script_failed=True)
        raise outcome


def _allowed(methods: tuple[str, ...]) -> Outgoing:
    return answers.whole(200, [HTML_TYPE, (b"allow", ", ".join(methods).encode())], b"")


def _not_for_the_script(method: str) -> Outgoing:
    if method == "OPTIONS":
        return answers.whole(200, [HTML_TYPE, RUN_SUCCEEDED], b"")
    return answers.error(405, "Method not allowed")
