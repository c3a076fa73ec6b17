"""Requests hidden in the bodies of others: a server that goes wrong about where a body ends would run them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from echoing import ECHO
from smuggling import ANSWERED, HIDDEN, LAST, REFUSED, Answered, Refused
from wire import answers, exchange

if TYPE_CHECKING:
    from runtime_service import Service, Start

pytest.importorskip("werkzeug", reason="raw scripts bring werkzeug")

LINE_FEEDS = b"POST /score HTTP/1.1\nHost: x\nContent-Length: %d\n\n" % len(HIDDEN)


@pytest.fixture
def echo(serve: Start) -> Service:
    return serve(ECHO, MLPACKAGE_RECEIVE_TIMEOUT="0.5")


def split(sent: bytes) -> list[list[bytes]]:
    """Return a request whole, in two halves, and byte by byte."""
    half = len(sent) // 2
    return [[sent], [sent[:half], sent[half:]], [sent[at : at + 1] for at in range(len(sent))]]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.says)
def test_an_ambiguous_request_is_refused(echo: Service, case: Refused) -> None:
    """However it arrives, it gets one refusal, the connection ends, and run() never sees what it hides."""
    said = [answers(exchange(echo.port, pieces)) for pieces in split(case.sent)]
    found = [[(answer.status in case.statuses, answer.closes) for answer in one] for one in said]
    assert found == [[(True, True)]] * 3, said
    assert "hidden" not in echo.log


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.says)
def test_the_server_stays_in_step(echo: Service, case: Answered) -> None:
    """However it arrives, the body reaches run() whole, and the next request is the one behind the body."""
    for pieces in split(case.sent):
        received = exchange(echo.port, pieces)
        first, last = answers(received)
        body, query = json.loads(first.body)["body"], json.loads(last.body)["query"]
        hidden = hashlib.sha256(HIDDEN if case.body else b"").hexdigest()
        assert (first.status, body, last.status, query) == (200, hidden, 200, "last"), received


def test_a_trailer_is_no_field_of_the_request(echo: Service) -> None:
    """What comes behind the body reaches no script, because nobody expects it there."""
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-One: 1\r\n\r\n"
    received = exchange(echo.port, [head + b"0\r\nX-One: 2\r\nX-Late: 3\r\n\r\n" + LAST])
    fields = json.loads(answers(received)[0].body)["fields"]
    assert {name: value for name, value in fields.items() if name.startswith("HTTP_X")} == {"HTTP_X_ONE": "1"}


def test_bare_line_feeds_hide_nothing(echo: Service) -> None:
    """Lines that end without CR are refused, or read as lines."""
    said = answers(exchange(echo.port, [LINE_FEEDS + HIDDEN + LAST]))
    bodies = [json.loads(answer.body) for answer in said]
    assert [body.get("query", "refused") for body in bodies] in (["refused"], ["", "last"])


@pytest.mark.parametrize(
    "host",
    [b"", b"Host: a b\r\n", b"Host: x/y\r\n", b"Host: x@y\r\n", b"Host: \xff\r\n", b"Host: x,y\r\n", b"Host: <x>\r\n"],
    ids=["none", "a space", "a slash", "a user", "a high byte", "a comma", "brackets"],
)
def test_a_request_needs_one_right_host(echo: Service, host: bytes) -> None:
    """A request without the host that HTTP/1.1 asks for gets 400, and the connection ends."""
    said = answers(exchange(echo.port, [b"GET /score HTTP/1.1\r\n" + host + b"\r\n" + LAST]))
    assert [(answer.status, answer.closes) for answer in said] == [(400, True)]


@pytest.mark.parametrize("fields", [b"", b"Host: x\r\n", b"Connection: keep-alive\r\n"])
def test_http_1_0_is_answered_and_closed(echo: Service, fields: bytes) -> None:
    """One answer, whatever the client asks for, and nothing behind the request is read."""
    said = answers(exchange(echo.port, [b"GET /score?one HTTP/1.0\r\n" + fields + b"\r\n" + HIDDEN + LAST]))
    assert [(answer.status, json.loads(answer.body)["query"]) for answer in said] == [(200, "one")]
