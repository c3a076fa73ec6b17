from __future__ import annotations

import contextlib
import http.client
import itertools
import re
import socketserver
import threading
import time

import pytest

from hatch_mlpackage.lock.remote import web as web_module
from hatch_mlpackage.lock.remote.paced import Pace
from hatch_mlpackage.lock.remote.web import open_web
from hatch_mlpackage.lock.wheels import remote_zip

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
QUICK = Pace(head=0.3, window=0.3, slowest=1000, most=5.0)


@pytest.fixture
def drip():
    """Give a function that serves bytes at once, then single ones without end, and returns the URL."""
    with contextlib.ExitStack() as stack:

        def start(at_once, pause=0.02):
            class Slow(socketserver.StreamRequestHandler):
                def handle(self):
                    with contextlib.suppress(OSError):  # the client leaves
                        self.request.recv(10_000)
                        self.request.sendall(at_once)
                        for _ in itertools.repeat(None, 500):
                            self.request.sendall(b"x")
                            time.sleep(pause)

            server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow))
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/a"

        yield start


def parts_of(url):
    with open_web(url, ("127.0.0.1",)) as reader:
        return list(iter(lambda: reader.read(1 << 20), b""))


@pytest.mark.parametrize(
    ("at_once", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", "the server takes more than 0 seconds for its headers"),
        (HEAD, "the server sends less than 1000 bytes per second"),
    ],
)
def test_a_server_that_is_too_slow(drip, monkeypatch, at_once, reason):
    """A server that sends a byte now and then, in its headers or its body, ends the fetch of a model."""
    monkeypatch.setattr(web_module, "PACE", QUICK)

    with pytest.raises(TimeoutError, match=f"^{re.escape(reason)}$"):
        parts_of(drip(at_once))


def test_a_slow_server_that_is_fast_enough(drip, monkeypatch):
    """A body that comes in small parts is given out as it arrives, and is read whole."""
    monkeypatch.setattr(web_module, "PACE", Pace(head=0.3, window=0.3, slowest=10))

    parts = parts_of(drip(HEAD.replace(b"1000", b"40")))

    assert b"".join(parts) == b"x" * 40
    assert len(parts) > 5


@pytest.mark.parametrize("at_once", [b"HTTP/1.1 206 Partial Content\r\nX-Long: ", HEAD.replace(b"200", b"206")])
def test_an_index_that_is_too_slow(drip, monkeypatch, at_once):
    """An index that drips a part of a wheel is given up."""
    monkeypatch.setattr(remote_zip, "PACE", QUICK)

    with (
        pytest.raises((OSError, http.client.HTTPException), match="the server "),
        remote_zip.open_wheel(drip(at_once.replace(b"\r\n\r\n", b"\r\nContent-Range: bytes 0-9/10\r\n\r\n"))),
    ):
        pass
