"""What wrk prints is read whole, and a load in which a request failed has no figures."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from wrk import LoadError, Measured, load, read, write_script

SAID = """Running 1s test @ http://127.0.0.1:5001/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   358.11us  226.30us   4.19ms   91.72%%
    Req/Sec    22.61k     2.93k   26.40k    60.00%%
  22487 requests in 1.00s, 3.54MB read
Requests/sec:  22472.32
measured: {"requests": %d, "microseconds": 1000000, "p50": 320, "p99": 1210, "refused": %d, "lost": %d}
"""
NEEDS_WRK = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")


def test_figures():
    """The rate is that of the whole run, and latencies are in milliseconds."""
    assert read(SAID % (22500, 0, 0)) == Measured(rate=22500.0, p50=0.32, p99=1.21)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (SAID % (10, 3, 0), "3 of 10 answers were errors, and 0 requests were lost"),
        (SAID % (10, 0, 1), "0 of 10 answers were errors, and 1 requests were lost"),
        (SAID % (0, 0, 0), "no request was answered"),
        ("unable to connect\n", "wrk measured nothing: unable to connect"),
    ],
)
def test_no_figures(said, why):
    """Errors, lost requests and silence are no figures."""
    with pytest.raises(LoadError) as caught:
        read(said)

    assert str(caught.value) == why


class Answer(BaseHTTPRequestHandler):
    """Answer every request with the status in its path, and note what it has."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[set[tuple[str, str, bytes, bool]]] = set()
    callers: ClassVar[set[str]] = set()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.add((self.path, self.headers["Content-Type"], body, "Host" in self.headers))
        self.callers.add(self.headers["X-Caller"])
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format, *arguments):  # noqa: A002 - the name in the standard library
        pass


class Server(ThreadingHTTPServer):
    """Serve wrk, which resets its connections at the end of a load."""

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def port():
    with Server(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Answer.seen.clear()
        yield server.server_port
        server.shutdown()
        thread.join()


@NEEDS_WRK
def test_a_load(port, tmp_path):
    """A real load sends the body with its type again and again, in requests that differ in a header."""
    script = write_script(tmp_path / "load", "/score/200", b'{"data": "\xc3\xa9"}\n', "application/json")

    found = load(port, script, connections=2, seconds=1)

    assert found.rate > 0
    assert 0 < found.p50 <= found.p99
    assert Answer.seen == {("/score/200", "application/json", b'{"data": "\xc3\xa9"}\n', True)}
    assert len(Answer.callers) > 1


@NEEDS_WRK
def test_a_load_of_errors(port, tmp_path):
    """A real load that gets errors has no figures."""
    script = write_script(tmp_path, "/score/503", b"1", "text/plain")

    with pytest.raises(LoadError, match=r"^(\d+) of \1 answers were errors, and 0 requests were lost$"):
        load(port, script, connections=2, seconds=1)


@NEEDS_WRK
def test_a_load_of_nobody(tmp_path):
    """A load that reaches no server has no figures."""
    with pytest.raises(LoadError):
        load(1, write_script(tmp_path, "/", b"1", "text/plain"), connections=1, seconds=1)
