"""The headers that the server adds: ids, and those for browsers of other origins."""

from __future__ import annotations

import re

import pytest
from mlpackage_runtime.server.cors import Cors
from mlpackage_runtime.server.ids import IdTooLongError, new_id, response_ids

REQUEST, LEGACY, CLIENT = b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id"
LIMIT, LONG = b"x" * 100, b"x" * 101


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ({}, {REQUEST: b"new", LEGACY: b"new"}),
        ({REQUEST: b"A"}, {REQUEST: b"A", LEGACY: b"A"}),
        ({REQUEST: b"A", LEGACY: b"B"}, {REQUEST: b"A", LEGACY: b"B", CLIENT: b"B"}),
        ({REQUEST: b"A", CLIENT: b"C"}, {REQUEST: b"A", LEGACY: b"C", CLIENT: b"C"}),
        ({REQUEST: b"A", LEGACY: b"B", CLIENT: b"C"}, {REQUEST: b"A", LEGACY: b"B", CLIENT: b"C"}),
        ({LEGACY: b"B"}, {REQUEST: b"new", LEGACY: b"B", CLIENT: b"B"}),
        ({REQUEST: LIMIT, LEGACY: LIMIT, CLIENT: LIMIT}, {REQUEST: LIMIT, LEGACY: LIMIT, CLIENT: LIMIT}),
        ({b"traceid": b"t", REQUEST: b"A"}, {REQUEST: b"A", LEGACY: b"A", b"TraceId": b"t"}),
    ],
)
def test_ids_go_back_as_the_original_sent_them(
    monkeypatch: pytest.MonkeyPatch, sent: dict[bytes, bytes], answered: dict[bytes, bytes]
) -> None:
    """Each row of the contract's table: what comes in, what goes out."""
    monkeypatch.setattr("mlpackage_runtime.server.ids.new_id", lambda: b"new")
    request_id, headers = response_ids([(b"accept", b"*/*"), *sent.items()])
    assert (request_id, dict(headers)) == (answered[REQUEST], answered)


@pytest.mark.parametrize(
    ("sent", "message", "answered"),
    [
        ({REQUEST: LONG, LEGACY: b"B"}, "x-request-id must not exceed 100 characters", {}),
        (
            {REQUEST: b"A", CLIENT: LONG},
            "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters",
            {REQUEST: b"A"},
        ),
        ({b"traceid": LONG, REQUEST: b"A"}, "traceid must not exceed 100 characters", {}),
    ],
)
def test_ids_that_are_too_long_are_refused(
    sent: dict[bytes, bytes], message: str, answered: dict[bytes, bytes]
) -> None:
    """The ids in question are left out of the answer."""
    with pytest.raises(IdTooLongError) as raised:
        response_ids(sent.items())
    assert (str(raised.value), dict(raised.value.headers)) == (message, answered)


def test_new_ids_are_random_uuids() -> None:
    """Version and variant stand where RFC 9562 has them, and no two are alike."""
    ids = {new_id().decode() for _ in range(1000)}
    uuid4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert (len(ids), all(map(uuid4.fullmatch, ids))) == (1000, True)


@pytest.mark.parametrize(
    ("origins", "origin", "answered"),
    [
        ("*", "", ["*"]),
        ("*", "https://a.test", ["https://a.test", "Origin"]),
        ("https://a.test", "", ["https://a.test"]),
        ("https://a.test", "HTTPS://A.TEST", ["HTTPS://A.TEST"]),
        ("https://a.test", "https://b.test", []),
        ("https://b.test, https://a.test", "", ["https://a.test", "Origin"]),
        (r"https://.*\.test", "", []),
        (r"https://.*\.test", "https://x.test", ["https://x.test", "Origin"]),
        (r"https://.*\.test", "https://x.test.evil", []),
        (r"https://.*\.test", "https://x.test@evil", []),
    ],
)
def test_origins_are_answered_as_the_original_did(origins: str, origin: str, answered: list[str]) -> None:
    """An allowed origin is named, with Vary where the answer depends on it."""
    sent = [(b"origin", origin.encode())] if origin else []
    headers = Cors(origins).headers("POST", sent)
    assert [value.decode() for _, value in headers] == answered


def test_a_preflight_names_what_is_allowed() -> None:
    """The response names the methods and the requested headers, where the requested method is allowed."""
    asked = {b"origin": b"https://a.test", b"access-control-request-headers": b"x-b, content-type"}
    cors = Cors("https://a.test")
    allowed = cors.headers("OPTIONS", [*asked.items(), (b"access-control-request-method", b"post")])
    refused = cors.headers("OPTIONS", [*asked.items(), (b"access-control-request-method", b"DELETE")])
    assert dict(allowed) == {
        b"access-control-allow-origin": b"https://a.test",
        b"access-control-allow-headers": b"content-type, x-b",
        b"access-control-allow-methods": b"GET, POST",
    }
    assert dict(refused) == {b"access-control-allow-origin": b"https://a.test"}
