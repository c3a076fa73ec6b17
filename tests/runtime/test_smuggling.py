"""Requests hidden in the bodies of others: a server that goes wrong about where a body ends would run them."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest
from echoing import ECHO
from smuggling import ANSWERED, HIDDEN, LAST, REFUSED
from wire import Answer, answers, exchange

if TYPE_CHECKING:
    from runtime_service import Service, Start

pytest.importorskip("werkzeug", reason="raw scripts bring werkzeug")

LINE_FEEDS = b"POST /score HTTP/1.1\nHost: x\nContent-Length: %d\n\n" % len(HIDDEN)
LAST_BODY = hashlib.sha256(b"last").hexdigest()


@pytest.fixture
def echo(serve: Start) -> Service:
    return serve(ECHO, MLPACKAGE_RECEIVE_TIMEOUT="0.5")


def in_pieces(port: int, sent: bytes) -> list[list[Answer]]:
    """Send a request whole, in two halves and byte by byte; return the answers to each, or what went wrong."""
    half = len(sent) // 2
    ways = [[sent], [sent[:half], sent[half:]], [sent[at : at + 1] for at in range(len(sent))]]
    found: list[list[Answer]] = []
    for pieces in ways:
        try:
            found.append(answers(exchange(port, pieces)))
        except (TimeoutError, HTTPException) as error:
            found.append([Answer(status=0, body=repr(error).encode(), closes=False)])
    return found


@pytest.mark.slow
def test_ambiguous_requests_are_refused(echo: Service) -> None:
    """However they arrive, each gets one refusal, the connection ends, and run() never sees what it hides."""
    wrong = {}
    with ThreadPoolExecutor(8) as pool:
        for case, ways in zip(REFUSED, pool.map(lambda case: in_pieces(echo.port, case.sent), REFUSED), strict=True):
            for said in ways:
                if [(answer.status in case.statuses, answer.closes) for answer in said] != [(True, True)]:
                    wrong[case.says] = said
    assert wrong == {}
    assert "hidden" not in echo.log


def test_the_server_stays_in_step(echo: Service) -> None:
    """However they arrive, bodies reach run() whole, and the next request is the one behind the body."""
    wrong = {}
    with ThreadPoolExecutor(8) as pool:
        for case, ways in zip(ANSWERED, pool.map(lambda case: in_pieces(echo.port, case.sent), ANSWERED), strict=True):
            body = hashlib.sha256(HIDDEN if case.body else b"").hexdigest()
            for said in ways:
                if [received(answer) for answer in said] != [(200, "", body), (200, "last", LAST_BODY)]:
                    wrong[case.says] = said
    assert wrong == {}


def received(answer: Answer) -> tuple[int, str, str]:
    """Return the status, and the query and the body that run() got."""
    echoed = json.loads(answer.body) if answer.status == 200 else {}
    return answer.status, echoed.get("query", ""), echoed.get("body", "")


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


def test_a_request_needs_one_right_host(echo: Service) -> None:
    """A request without the host that HTTP/1.1 asks for gets 400, and the connection ends."""
    hosts = [b"", *(b"Host: %b\r\n" % value for value in (b"a b", b"x/y", b"x@y", b"\xff", b"x,y", b"<x>", b"x\x01"))]
    found = {host: answers(exchange(echo.port, [b"GET /score HTTP/1.1\r\n" + host + b"\r\n" + LAST])) for host in hosts}
    statuses = {host: [(answer.status, answer.closes) for answer in said] for host, said in found.items()}
    assert statuses == {host: [(400, True)] for host in hosts}


def test_http_1_0_is_answered_and_closed(echo: Service) -> None:
    """One answer, whatever the client asks for, and nothing behind the request is read."""
    for fields in (b"", b"Host: x\r\n", b"Connection: keep-alive\r\n"):
        said = answers(exchange(echo.port, [b"GET /score?one HTTP/1.0\r\n" + fields + b"\r\n" + HIDDEN + LAST]))
        assert [(answer.status, json.loads(answer.body)["query"]) for answer in said] == [(200, "one")]
