"""Servers are loaded in turn, and slow ones for longer."""

from __future__ import annotations

import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rounds import Running, patient_load, turned
from serving import Served
from wrk import write_script


@pytest.mark.parametrize(("number", "expected"), [(0, ["a", "b", "c"]), (1, ["b", "c", "a"]), (5, ["c", "a", "b"])])
def test_turned(number, expected):
    """Every round starts with another server."""
    assert turned(["a", "b", "c"], number) == expected


class Slow(BaseHTTPRequestHandler):
    """Take longer for an answer than a short load lasts."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(1.5)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *arguments):  # noqa: A002 - the name in the standard library
        pass


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
def test_a_slow_server(tmp_path):
    """A server that answers nothing in a short load has the figures of a longer one."""
    with HTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        script = write_script(tmp_path, "/", b"1", "text/plain")
        running = Running(served=Served(port=server.server_port, pid=0, ready=0.0), script=script)
        try:
            found = patient_load(running, connections=1, seconds=1)
        finally:
            server.shutdown()
            thread.join()

    assert 0 < found.rate < 1
    assert found.p50 >= 1500
