"""Choose the ids that go back with a response from those that the client sent."""

from __future__ import annotations

import random
from typing import Iterable

from mlpackage_runtime.server.asgi import Headers

LIMIT = 100
REQUEST_ID, LEGACY_ID, CLIENT_ID, TRACE_ID = b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id", b"traceid"
NAMES = frozenset((REQUEST_ID, LEGACY_ID, CLIENT_ID, TRACE_ID))


class IdTooLongError(Exception):
    """An id from the client is too long; `headers` has the ids that still go back with the response."""

    def __init__(self, message: str, headers: Headers) -> None:
        super().__init__(message)
        self.headers = headers


def new_id() -> bytes:
    """Return a random UUID (version 4) as text, in a fifth of the time that uuid.uuid4() takes."""
    bits = random.getrandbits(122)  # it names a request, and is no secret
    return b"%08x-%04x-4%03x-%04x-%012x" % (
        bits >> 90,
        bits >> 74 & 0xFFFF,
        bits >> 62 & 0xFFF,
        bits >> 48 & 0x3FFF | 0x8000,
        bits & 0xFFFFFFFFFFFF,
    )


def response_ids(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, Headers]:
    """Return the request's id and the id headers of the response; raises IdTooLongError."""
    sent = {name: value for name, value in headers if name in NAMES}
    if not sent:  # as in most requests
        made = new_id()
        return made, [(REQUEST_ID, made), (LEGACY_ID, made)]
    request_id = sent.get(REQUEST_ID)
    if request_id is None:
        request_id = new_id()
    if len(sent.get(TRACE_ID, b"")) > LIMIT:
        raise IdTooLongError(f"traceid must not exceed {LIMIT} characters", [])
    trace = [(b"TraceId", sent[TRACE_ID])] if TRACE_ID in sent else []
    if len(request_id) > LIMIT:
        raise IdTooLongError(f"x-request-id must not exceed {LIMIT} characters", trace)
    own = [(REQUEST_ID, request_id)] if request_id else []
    legacy = sent.get(LEGACY_ID, b"")
    client = sent.get(CLIENT_ID, b"") or legacy
    legacy = legacy or client or request_id
    if len(legacy) > LIMIT or len(client) > LIMIT:
        message = f"x-ms-request-id and x-ms-client-request-id must not exceed {LIMIT} characters"
        raise IdTooLongError(message, own + trace)
    others = [(name, value) for name, value in ((LEGACY_ID, legacy), (CLIENT_ID, client)) if value]
    return request_id, own + others + trace
