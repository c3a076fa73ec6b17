"""Heads of requests: what is ambiguous is refused, and nothing of one request is read as another."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import h11
import pytest
from hypothesis import given, strategies as st
from mlpackage_runtime.server.heads import refusal, without_upgrade

if TYPE_CHECKING:
    from runtime_service import Start

ECHO = """
    import json

    def init():
        pass

    def run(raw_data, request_headers):
        return [raw_data, sorted(request_headers)]
"""
HOST = (b"host", b"x.test")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("version", "fields", "status"),
    [
        ("1.1", [HOST], None),
        ("1.1", [(b"host", b"")], None),
        ("1.1", [(b"host", b"[::1]:5001")], None),
        ("1.1", [HOST, (b"transfer-encoding", b"Chunked")], None),
        ("1.0", [], None),
        ("1.0", [HOST], None),
        ("1.1", [], 400),
        ("1.1", [HOST, HOST], 400),
        ("1.0", [HOST, HOST], 400),
        ("1.1", [(b"host", b"a b")], 400),
        ("1.1", [(b"host", b"a,b")], 400),
        ("1.1", [(b"host", b"user@x.test")], 400),
        ("1.1", [(b"host", b"x.test/score")], 400),
        ("1.1", [HOST, CHUNKED, CHUNKED], 400),
        ("1.1", [HOST, (b"transfer-encoding", b"gzip, chunked")], 400),
        ("1.0", [HOST, CHUNKED], 400),
        ("2.0", [HOST], 400),
        ("0.9", [], 400),
    ],
)
def test_what_http_calls_ambiguous_is_refused(
    version: str, fields: list[tuple[bytes, bytes]], status: int | None
) -> None:
    """One host, one transfer coding, and a version that the server speaks."""
    refused = refusal(b"POST", b"/score", version, fields, 0)
    assert (refused and refused.status) == status


TOKEN = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1).filter(lambda name: name not in {"connection", "upgrade"})
VALUE = st.text("abcABC019,;= /", max_size=20).map(str.strip)


@given(st.lists(st.tuples(TOKEN, VALUE), max_size=6), st.lists(st.sampled_from(["Upgrade", "keep-alive", "close"])))
def test_a_head_without_its_wish_to_upgrade_is_the_same_request(
    fields: list[tuple[str, str]], options: list[str]
) -> None:
    """Another parser reads the same method, target and fields from it, and no wish to upgrade."""
    wish = [("connection", ", ".join(options)), ("upgrade", "h2c"), ("host", "x")]
    sent = [(name.encode(), value.encode()) for name, value in [*fields, *wish] if name != "transfer-encoding"]
    sent = [(name, value) for name, value in sent if name != b"content-length" and (name, value) != (b"host", b"")]
    server = h11.Connection(h11.SERVER)
    server.receive_data(without_upgrade(b"GET", b"/score?a=1", "1.1", sent))
    try:
        request = server.next_event()
    except h11.RemoteProtocolError as error:
        assert "Host" in str(error)  # noqa: PT017 - a second one was made up
        return
    kept = ", ".join(option for option in options if option != "Upgrade").encode()
    expected = [(name, kept if name == b"connection" else value) for name, value in sent if name != b"upgrade"]
    assert isinstance(request, h11.Request)
    assert (request.method, request.target, list(request.headers)) == (b"GET", b"/score?a=1", expected)


def answers(port: int, data: bytes) -> list[tuple[int, bytes]]:
    """Send bytes, close the sending side, and return the status and body of every answer."""
    client = h11.Connection(h11.CLIENT)
    found: list[tuple[int, bytes]] = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    while received:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        client.send(h11.EndOfMessage())
        client.receive_data(received)
        client.receive_data(b"")
        status, body = 0, b""
        while not isinstance(event := client.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
        found.append((status, body))
        received = client.trailing_data[0]
    return found


UPGRADE = b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n\r\n%s"
NEXT = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.3"])
@pytest.mark.parametrize(
    ("framing", "sent"), [(b"Content-Length: 5", b"hello"), (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n")]
)
def test_a_request_to_upgrade_is_answered_as_any_other(
    serve: Start, protocol: bytes, framing: bytes, sent: bytes
) -> None:
    """Its body reaches run(), and the next request on the connection is read from the right byte."""
    service = serve(ECHO)
    found = answers(service.port, UPGRADE % (protocol, framing, sent) + NEXT)
    assert [status for status, _ in found] == [200, 200]
    assert found[0][1].startswith(b'["hello", [')
    assert found[1] == (200, b"Healthy")
    assert "Traceback" not in service.log


def test_many_requests_to_upgrade_at_once(serve: Start) -> None:
    """As many are answered as may wait on one connection, which then ends."""
    service = serve("def init(): pass\ndef run(x): return x\n")
    one = UPGRADE % (b"h2c", b"Content-Length: 5", b"hello")
    assert answers(service.port, one * 300) == [(200, b'"hello"')] * 101
    assert "Traceback" not in service.log


@pytest.mark.parametrize(
    "head",
    [
        b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c",
        b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nConnection: close\r\nUpgrade: h2c",
        b"POST /score HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket",
    ],
    ids=["one field", "two fields", "HTTP/1.0"],
)
def test_a_request_to_upgrade_that_also_closes_is_answered(serve: Start, head: bytes) -> None:
    """The connection ends behind its answer."""
    service = serve("def init(): pass\ndef run(x): return x\n")
    found = answers(service.port, head + b"\r\nContent-Length: 5\r\n\r\nhello" + NEXT)
    assert found == [(200, b'"hello"')]


def test_trailers_are_dropped(serve: Start) -> None:
    """A field behind a chunked body is no header of the request."""
    service = serve(ECHO)
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    found = answers(service.port, request + b"5\r\nhello\r\n0\r\nX-Admin: yes\r\n\r\n")
    assert found == [(200, b'["hello", ["Connection", "Host", "Transfer-Encoding"]]')]


@pytest.mark.parametrize(
    "flood",
    [
        b"0\r\n" + b"x: y\r\n" * 200,
        b"0\r\nx: " + b"y" * 2**20,
        b"1;" + b"y" * 2**20,
        (b"1;" + b"y" * 100 + b"\r\nx\r\n") * 10_000,
    ],
    ids=["many trailers", "one long trailer", "a long chunk extension", "many short ones"],
)
def test_trailers_and_framing_have_the_limits_of_a_head(serve: Start, flood: bytes) -> None:
    """What is neither head nor body is 431 when there is too much of it."""
    service = serve(ECHO)
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(request)
        try:
            connection.sendall(flood)
            answer = connection.recv(65536)
        except ConnectionError:  # it was closed while we were still sending
            answer = b"HTTP/1.1 431"
    assert answer.startswith(b"HTTP/1.1 431")
    assert service.post("x").status_code == 200


@pytest.mark.parametrize(
    "path", ["/score%0A", "/score%0a127.0.0.1", "/%0A", "/swagger.json%0A", "/score%00", "//score"]
)
def test_paths_match_exactly(serve: Start, path: str) -> None:
    """A path with a newline behind it is another path."""
    service = serve(ECHO)
    answer = service.request("POST", path, content="x")
    assert (answer.status_code, answer.headers["x-ms-run-function-failed"]) == (404, "False")
    assert "Traceback" not in service.log


def test_a_refused_request_does_not_overtake_the_answers_before_it(serve: Start) -> None:
    """The answers that are due come first, and then the connection is closed."""
    service = serve(
        """
        import time

        def init():
            pass

        def run(raw_data):
            time.sleep(0.3)
            return raw_data
        """
    )
    slow = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
    wrong = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 200
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(slow + wrong)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert (received.count(b"HTTP/1.1 "), received.endswith(b'"1"')) == (1, True)


def test_a_client_that_closes_its_end_gets_its_answer(serve: Start) -> None:
    """A quick answer and a slow one reach a client that has said that it sends no more."""
    service = serve(
        """
        import time

        def init():
            pass

        def run(raw_data):
            time.sleep(float(raw_data))
            return raw_data
        """
    )
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    assert answers(service.port, request + b"0.0") == [(200, b'"0.0"')]
    assert answers(service.port, request + b"0.6") == [(200, b'"0.6"')]
    assert answers(service.port, request + b"0") == [(400, b'{"message": "The request is cut off."}')]


def test_the_smallest_chunks_are_a_body(serve: Start) -> None:
    """A client may send each byte in a chunk of its own."""
    service = serve("def init(): pass\ndef run(x): return len(x)\n")
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answers(service.port, request + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n") == [(200, b"200000")]


def test_many_small_requests_at_once_are_no_large_head(serve: Start) -> None:
    """A piece of data with the end of one large request and the beginning of the next is not one head."""
    service = serve(ECHO)
    body = b"x" * 200_000
    large = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body
    found = answers(service.port, (large + large) * 3 + NEXT)
    assert [status for status, _ in found] == [200] * 7
