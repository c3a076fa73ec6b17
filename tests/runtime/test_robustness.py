"""Load, limits and nonsense: nothing hangs, nothing of ours breaks, and the probe always answers."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Service, Start

ECHO = """
    def init():
        pass

    def run(raw_data):
        return raw_data
"""

BUSY = """
    import ctypes, time

    def init():
        pass

    def run(raw_data):
        limit = time.monotonic() + 10
        if raw_data == "sleep":
            time.sleep(10)
        while raw_data == "spin" and time.monotonic() < limit:
            pass
        if raw_data == "hold":
            ctypes.PyDLL(None).sleep(10)  # PyDLL keeps the GIL
        return raw_data
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sleep", "spin", "hold"])
def test_the_probe_answers_while_the_script_is_busy(serve: Start, way: str) -> None:
    """While run() sleeps, spins or holds the GIL for 10 s, 99 of 100 probes take less than 50 ms."""
    service = serve(BUSY)
    times = []
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(service.post, way)
        time.sleep(0.2)
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        while not busy.done():
            began = time.perf_counter()
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"Healthy"
            times.append(time.perf_counter() - began)
            time.sleep(0.005)
        connection.close()
    assert busy.result().json() == way
    assert len(times) > 100
    assert statistics.quantiles(times, n=100)[98] < 0.05


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 10 * 2**20])
def test_bodies_of_any_size_come_back_whole(serve: Start, size: int) -> None:
    """What goes in comes out, byte for byte, on both sides of every buffer's limit."""
    service = serve(ECHO)
    body = "".join(random.Random(size).choices("abcdefgh", k=size))
    answer = service.post(body)
    assert (answer.status_code, answer.text == f'"{body}"') == (200, True)


@pytest.mark.slow
def test_a_body_of_100_mib_comes_back_whole(serve: Start) -> None:
    """The largest body that is let in passes both ways."""
    service = serve(ECHO)
    body = b"x" * (100 * 2**20)
    answer = service.post(body)
    assert (answer.status_code, len(answer.content), answer.content[1:-1] == body) == (200, len(body) + 2, True)


def test_a_body_over_the_limit_is_refused(serve: Start) -> None:
    """A body that declares too large a size gets 413, and so does one that turns out to be too large."""
    service = serve(ECHO, MLPACKAGE_BODY_LIMIT="1000")

    def parts() -> object:
        yield b"x" * 600
        yield b"x" * 600

    answers = [service.post("x" * 1001), service.post(parts()), service.post("x" * 1000)]  # type: ignore[arg-type]
    assert [answer.status_code for answer in answers] == [413, 413, 200]
    assert answers[0].json() == {"message": "The body must not exceed 1000 bytes."}


def test_headers_at_their_limits(serve: Start) -> None:
    """100 fields and 8,190 bytes in one field pass; more of either is 431, and a longer target is 414."""
    service = serve(ECHO)
    fields = {f"x-{number}": "v" for number in range(90)}  # the client adds a few of its own
    cases = [
        {"headers": fields},
        {"headers": {**fields, **{f"y-{number}": "v" for number in range(20)}}},
        {"headers": {"x-long": "v" * (8190 - len("x-long"))}},
        {"headers": {"x-long": "v" * 8190}},
        {"headers": {f"x-{number}": "v" * 8000 for number in range(20)}},
        {"path": "/score?" + "x" * 8000},
        {"path": "/score?" + "x" * 9000},
    ]
    statuses = [service.request("GET", **{"path": "/score", **case}).status_code for case in cases]
    assert statuses == [200, 431, 200, 431, 431, 200, 414]


@pytest.mark.slow
def test_a_thousand_connections_are_kept_alive(serve: Start) -> None:
    """1,000 connections stay open and each is answered, twice."""
    service = serve(ECHO)
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(1000)]
        for _ in range(2):
            for connection in sockets:
                connection.sendall(request)
            answers = [read_answer(connection) for connection in sockets]
            assert {answer[:15] for answer in answers} == {b"HTTP/1.1 200 OK"}


def test_slow_clients_are_cut_off(serve: Start) -> None:
    """A head or a body that trickles in is answered with 408, and a silent connection is closed."""
    service = serve(ECHO, MLPACKAGE_RECEIVE_TIMEOUT="0.5")
    starts = {
        b"": b"",
        b"POST /sc": b"HTTP/1.1 408",
        b"POST /score HTTP/1.1\r\nHost: x\r\nx-slow: ": b"HTTP/1.1 408",
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx": b"HTTP/1.1 408",
        b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n500\r\nx": b"HTTP/1.1 408",
    }
    with ThreadPoolExecutor(len(starts)) as pool:
        answers = list(pool.map(lambda start: trickle(service.port, start), starts))
    for answer, expected in zip(answers, starts.values(), strict=True):
        assert answer.startswith(expected or b"HTTP/1.1 408") or (expected == b"" and answer == b"")
    assert service.post("still there").json() == "still there"


def trickle(port: int, start: bytes) -> bytes:
    """Send a start and then a byte at a time; return what comes back before the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(start)
        connection.settimeout(0.1)
        began = time.monotonic()
        while time.monotonic() - began < 10:
            try:
                if start:
                    connection.sendall(b"x")
                answer = connection.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                return b"HTTP/1.1 408 (reset before it was read)"
            else:
                return answer
    raise AssertionError(f"the server still listens after {start!r}")


METHODS = [b"GET", b"POST", b"PUT", b"get", b"", b"\x00", b"POST POST", b"PRI", b"CONNECT", b"X" * 300]
TARGETS = [b"/score", b"/", b"*", b"", b"//", b"http://x/score", b"/score?%zz=%ff", b"/sc\x00re", b"/score#x", b"\xff"]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"", b"http/1.1", b"HTTP/1.1 x"]
HEADERS = [
    b"Host: x",
    b"Host:",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 5x",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Transfer-Encoding: gzip",
    b"Content-Type: application/json",
    b"Content-Type: \xff\xfe",
    b"Content-Encoding: gzip",
    b"Content-Encoding: br",
    b"x-request-id: " + b"y" * 200,
    b"x-request-id: \xff\x01",
    b" folded: x",
    b"bad name: x",
    b": x",
    b"no colon",
    b"x: \x00",
    b"Expect: 100-continue",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x",
    b"Connection: close",
]
BODIES = [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"\xff" * 50, b'{"data": ' + b"[" * 2000, b"5\r\nhel"]


def nonsense(source: random.Random) -> bytes:
    """Return a request made of parts that are each right or wrong, sometimes with random bytes on top."""
    line = b" ".join([source.choice(METHODS), source.choice(TARGETS), source.choice(VERSIONS)])
    headers = source.choices(HEADERS, k=source.randrange(4))
    data = bytearray(b"\r\n".join([line, *headers]) + b"\r\n\r\n" + source.choice(BODIES))
    for _ in range(source.choice([0, 0, 1, 5])):
        data[source.randrange(len(data))] = source.randrange(256)
    return bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nonsense_never_breaks_the_server(serve: Start, seed: int) -> None:
    """2,500 malformed requests for each seed: an answer below 500 or a closed connection, and none that hangs."""
    service = serve(ECHO, MLPACKAGE_RECEIVE_TIMEOUT="0.3")
    source = random.Random(seed)
    requests = [nonsense(source) for _ in range(2500)]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda request: exchange(service.port, request), requests))
    right = (b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 100")
    wrong = [pair for pair in zip(requests, answers, strict=True) if pair[1] and not pair[1].startswith(right)]
    assert wrong == []
    assert service.post("still there").json() == "still there"
    assert (len(service.worker_pids()), "Exception" in service.log) == (1, False)


def exchange(port: int, request: bytes) -> bytes:
    """Send a request and return the first part of the answer, or nothing where the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(request)
            return connection.recv(65536)
        except ConnectionError:
            return b""


def read_answer(connection: socket.socket) -> bytes:
    """Read one answer that has a content-length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return data


def test_requests_sent_at_once_are_answered_in_order(serve: Start) -> None:
    """Pipelined requests on one connection are answered in order, and nonsense behind them closes it."""
    service = serve(ECHO)
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"".join(request % number for number in range(5)) + b"nonsense\r\n\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    bodies = [answer.rpartition(b"\r\n\r\n")[2] for answer in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b'"%d"' % number for number in range(5)]


def test_workers_killed_again_and_again(serve: Start) -> None:
    """With two workers killed in turn under load, at most one request is lost for each kill."""
    service = serve(
        """
        import time

        def init():
            pass

        def run(raw_data):
            time.sleep(0.002)
            return raw_data
        """,
        WORKER_COUNT="2",
    )
    with ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(service.post, str(number)) for number in range(600)]
        for kills in range(3):
            answered, workers = 60 + 120 * kills, 3 + kills
            service.wait_until(
                lambda least=answered: sum(request.done() for request in pending) > least, "the load to run"
            )
            os.kill(service.worker_pids()[-1], signal.SIGKILL)
            service.wait_until(lambda least=workers: len(service.worker_pids()) >= least, "the replacement")
        answers = [request.result() for request in pending]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert len(lost) <= 3
    assert all(answer.status_code == 500 for answer in lost)


def test_a_client_that_leaves_ends_its_stream(serve: Start) -> None:
    """A script that streams for ever is stopped when its client goes, and serves the next one."""
    service = serve(
        """
        import time
        from azureml_inference_server_http.api.aml_request import rawhttp
        from azureml_inference_server_http.api.aml_response import AMLResponse

        ended = []

        def init():
            pass

        def ticks():
            try:
                while True:
                    yield b"tick" * 1000
                    time.sleep(0.01)
            finally:
                ended.append(True)

        @rawhttp
        def run(request):
            return AMLResponse(ticks(), 200) if request.method == "GET" else len(ended)
        """
    )
    with service.client.stream("GET", f"{service.url}/score") as stream:
        first = next(stream.iter_bytes())
    assert (first[:4], service.post("x").json(), len(service.worker_pids())) == (b"tick", 1, 1)


def test_a_client_that_reads_slowly_holds_no_memory(serve: Start, start: Start) -> None:
    """A worker that streams faster than its client reads has to wait, and goes on when the client does."""
    service: Service = serve(
        """
        from azureml_inference_server_http.api.aml_request import rawhttp
        from azureml_inference_server_http.api.aml_response import AMLResponse

        made = []

        def init():
            pass

        def parts():
            for number in range(200):
                made.append(number)
                yield b"x" * 1_000_000

        @rawhttp
        def run(request):
            return AMLResponse(parts(), 200)
        """
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"GET /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(1)
        assert resident_mb(service.process.pid) < 200
        received = 0
        while part := connection.recv(1 << 20):
            received += len(part)
    assert received > 200_000_000


def resident_mb(pid: int) -> float:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20
