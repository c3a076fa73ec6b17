"""A server counts as started when it answers rightly, and the reason is told when it never does."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import serving
from peers import PEERS
from processes import alive, members
from questions import CASES
from serving import NotServedError, ask

ECHO = CASES["echo"]
PROGRAM = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = body if sys.argv[2] == "right" else b"[0]"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
if sys.argv[2] == "ends":
    sys.exit("no module named mosec")
HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Give a function that serves the echo with a program that behaves in some way."""
    monkeypatch.setattr(serving, "ROOT", tmp_path)
    monkeypatch.setattr(serving, "PATIENCE", 10)
    python = tmp_path / "mosec/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    def serve(way):
        peer = replace(PEERS["mosec"], command=f"{{python}} {program} {{port}} {way}")
        return SimpleNamespace(peer=peer, running=serving.serving(peer, ECHO, tmp_path))

    return serve


def test_a_right_answer(serve):
    """A server that answers rightly is ready, can be halted and resumed, and is gone afterwards."""
    it = serve("right")
    with it.running as served:
        assert served.ready > 0
        served.halt()
        with pytest.raises(TimeoutError):
            ask(served.port, it.peer, ECHO, patience=0.5)
        served.resume()
        assert ask(served.port, it.peer, ECHO)[0] == 200
        pids = members(served.pid)

    assert alive(pids) == []


def test_a_wrong_answer(serve, monkeypatch):
    """A server that answers wrongly is never ready, and the reason has its answer."""
    monkeypatch.setattr(serving, "PATIENCE", 2)

    with (
        pytest.raises(NotServedError, match=r"^its last answer: 200 b'\[0\]'; its log ends with: "),
        serve("wrong").running,
    ):
        pass


def test_a_server_that_ends(serve):
    """A server that ends is not waited for, and the reason has its status and the end of its log."""
    start = time.monotonic()

    with pytest.raises(NotServedError) as caught, serve("ends").running:
        pass

    said = "it ended with status 1; its last answer: no answer; its log ends with: no module named mosec"
    assert str(caught.value) == said
    assert time.monotonic() - start < 10
