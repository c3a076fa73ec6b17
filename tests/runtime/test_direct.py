"""The direct path and the application's: one contract, whichever of them a request takes."""

from __future__ import annotations

import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest
from wire import exchange

if TYPE_CHECKING:
    from runtime_service import Service, Start

SCRIPT = """
    import os
    import time

    def init():
        pass

    def run(raw_data, request_headers):
        if raw_data == "raise":
            raise ValueError(raw_data)
        if raw_data == "set":
            return {1}
        if raw_data == "die":
            os._exit(7)
        if raw_data.startswith("large"):
            return "x" * 70_000
        if raw_data.startswith("sleep"):
            time.sleep(float(raw_data.partition(" ")[2]))
        return [raw_data, request_headers.get("X-Own"), None if raw_data else {}]
"""
LAST = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def post(body: bytes = b"", *fields: str, target: str = "/score", version: str = "1.1") -> bytes:
    lines = [f"POST {target} HTTP/{version}", "host: x", f"content-length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# Requests that take the direct path, and their neighbours that do not.
REQUESTS = {
    "text": post(b"text"),
    "empty": post(),
    "own header": post(b"text", "X-Own: a, b"),
    "own ids": post(b"text", "x-request-id: mine", "x-ms-client-request-id: client", "traceid: trace"),
    "empty id": post(b"text", "x-request-id:"),
    "long id": post(b"text", f"x-request-id: {'i' * 101}"),
    "keep alive": post(b"text", "connection: keep-alive"),
    "close": post(b"text", "connection: close"),
    "close in capitals": post(b"text", "Connection: CLOSE"),
    "upgrade": post(b"text", "connection: upgrade", "upgrade: h2c"),
    "expect": post(b"text", "expect: 100-continue"),
    "HTTP/1.0": post(b"text", version="1.0"),
    "query": post(b"text", target="/score?a=1"),
    "escaped": post(b"text", target="/sc%6fre"),
    "chunked": b"POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n",
    "gzip": post(b"not gzip", "content-encoding: gzip"),
    "origin": post(b"text", "origin: https://one.test"),
    "raise": post(b"raise"),
    "no JSON": post(b"set"),
    "large answer": post(b"large"),
    "large body": post(b"y" * 65_537),
    "largest direct body": post(b"y" * 65_536),
    "dies": post(b"die"),
}
SETTINGS = {
    "plain": {},
    "cors": {"AML_CORS_ORIGINS": "https://one.test, https://two.test"},
    "small": {"MLPACKAGE_BODY_LIMIT": "5"},
    "gate": {"MLPACKAGE_MAX_CONCURRENT_REQUESTS": "1"},
    "silent": {"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"},
}


def settled(answers: bytes) -> bytes:
    """Return answers without what differs from run to run: dates, times, and the ids that the server made."""
    answers = re.sub(rb"(?m)^(date|x-ms-run-fn-exec-ms): .*\r$", rb"\1: *\r", answers)
    return re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"*", answers)


@pytest.mark.parametrize("setting", SETTINGS)
def test_both_paths_give_the_same_bytes(serve: Start, setting: str) -> None:
    """Every request gets the same answer with the direct path and without it: status, headers in their order, body."""
    on, off = (serve(SCRIPT, **SETTINGS[setting], MLPACKAGE_DIRECT_PATH=path) for path in ("on", "off"))

    answers = {name: [settled(exchange(it.port, [sent, LAST])) for it in (on, off)] for name, sent in REQUESTS.items()}

    assert {name: pair for name, pair in answers.items() if pair[0] != pair[1]} == {}


def lines_of(service: Service) -> list[str]:
    """Return the lines of requests in the log, without their times and ids."""
    service.wait_for_log("(GET /swagger.json 200)")
    return [re.sub(r"[0-9.]+ms", "*", line) for line in re.findall(r"azmlinfsrv - ((?:POST|GET) .*)", service.log)]


def test_both_paths_log_the_same_lines(serve: Start) -> None:
    """A line of the log does not tell which path its request took."""
    on, off = (serve(SCRIPT, MLPACKAGE_DIRECT_PATH=path) for path in ("on", "off"))
    for service in (on, off):
        for sent in (*REQUESTS.values(), b"GET /swagger.json HTTP/1.1\r\nhost: x\r\n\r\n"):
            exchange(service.port, [sent, LAST])

    assert lines_of(on) == lines_of(off)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_request_in_pieces(serve: Start, size: int) -> None:
    """Pipelined requests are answered in their order, however their bytes are cut."""
    service = serve(SCRIPT)
    sent = b"".join(post(text) for text in (b"one", b"raise", b"two")) + LAST

    answers = exchange(service.port, [sent[at : at + size] for at in range(0, len(sent), size)])

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"500", b"200", b"200"]
    assert [text for text in (b'"one"', b"unexpected error", b'"two"', b"Healthy") if text not in answers] == []


def conversation(port: int, requests: list[list[bytes]]) -> list[bytes]:
    """Send each request in its pieces as soon as the one before it is answered, and return the answers."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, connection.makefile("rb") as received:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for pieces in requests:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.01 if len(pieces) > 1 else 0)
            head = b"".join(iter(received.readline, b"\r\n"))
            length = re.search(rb"content-length: (\d+)", head)
            answers.append(settled(head + received.read(int(length[1]) if length else 0)))
    return answers


def test_the_same_head_again_and_again(serve: Start) -> None:
    """A head that a connection has seen before is answered as the first time, whatever follows it and came between."""
    usual, other = post(b"1234"), post(b"1234", "X-Own: a")
    requests = [
        *([usual], [post(b"5678")], [usual[:-4], b"12", b"34"], [usual]),
        *([other], [usual], [post(b"", target="/scores")], [usual]),
        *([post(b"raise")], [post(b"12345")], [post(b"raise")], [usual.replace(b"host: x", b"host: y")]),
        *([usual[:20], usual[20:]], [b"\r\n" + usual], [usual], [post(b"1234", "x-request-id: mine")]),
        *([post(b"1234", "x-request-id: mine")], [post(b"\xff\xff\xff\xff")], [usual], [usual[:10], usual[10:]]),
    ]
    on, off = (serve(SCRIPT, MLPACKAGE_DIRECT_PATH=path) for path in ("on", "off"))

    answers = conversation(on.port, requests)

    assert answers == conversation(off.port, requests)
    assert [answer[9:12] for answer in answers].count(b"200") == 16


def test_many_at_once(serve: Start) -> None:
    """Many pipelined requests of one connection get their own answers."""
    service = serve(SCRIPT)
    texts = [b"%d" % number for number in range(60)]

    answers = exchange(service.port, [b"".join(map(post, texts)) + LAST])

    assert re.findall(rb'\["(\d+)"', answers) == texts


def test_a_client_that_leaves_keeps_no_server(serve: Start) -> None:
    """Clients that leave in the middle of a body, or while run() runs, do not keep a server from ending."""
    service = serve(SCRIPT)
    for sent in (post(b"text")[:-2], post(b"sleep 0.3"), post(b"text")):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(sent)
            time.sleep(0.05)
    assert service.post("next").json()[0] == "next"

    service.process.send_signal(signal.SIGTERM)

    assert service.wait() == 0
    assert "Traceback" not in service.log


def test_an_accepted_request_is_answered_at_the_end(serve: Start) -> None:
    """A request that runs or arrives when the server stops gets its answer, and is told that the connection ends."""
    service = serve(SCRIPT)
    with (
        socket.create_connection(("127.0.0.1", service.port)) as running,
        socket.create_connection(("127.0.0.1", service.port)) as arriving,
    ):
        running.sendall(post(b"sleep 0.5"))
        arriving.sendall(post(b"text")[:-2])
        time.sleep(0.1)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for_log("(Stopping)")
        arriving.sendall(b"xt")
        answers = [b"".join(iter(lambda of=of: of.recv(65536), b"")) for of in (running, arriving)]

    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 2
    assert [b"\r\nconnection: close\r\n" in answer for answer in answers] == [True, True]
    assert service.wait() == 0


def test_a_slow_body_is_refused(serve: Start) -> None:
    """The limits of time hold on the direct path, and what was refused does not keep the server from ending."""
    service = serve(SCRIPT, MLPACKAGE_RECEIVE_TIMEOUT="0.5")

    answers = exchange(service.port, [post(b"text")[:-2]])

    assert answers.startswith(b"HTTP/1.1 408 ")
    service.process.send_signal(signal.SIGTERM)
    assert service.wait() == 0
