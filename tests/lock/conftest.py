from __future__ import annotations

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements


@pytest.fixture
def asking() -> Callable[..., Requirements]:
    """Give a function that makes Requirements of inline requirements."""

    def ask(*inline: str) -> Requirements:
        problems = Problems()
        asked = read_requirements(Path(), (), inline, problems, "project.dependencies")
        problems.raise_if_any()
        return asked

    return ask


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a self-signed certificate for 127.0.0.1 with its key; return their folder."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl")
    directory = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=127.0.0.1"
    extension = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *extension], cwd=directory, capture_output=True, check=True)
    return directory


class Web:
    """A web server on loopback: it answers each path with a status, headers and a body, and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.url = ""

    def put(self, path: str, body: bytes = b"", *, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"Content-Length": str(len(body)), **named}, body)

    def redirect(self, path: str, location: str) -> None:
        self.put(path, status=302, Location=location)


def _answering(web: Web) -> type[http.server.BaseHTTPRequestHandler]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.path, self.headers.get("Authorization")))
            status, headers, body = web.answers.get(self.path, (404, {"Content-Length": "0"}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Answers


@contextmanager
def _running(web: Web, context: ssl.SSLContext | None) -> Iterator[Web]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _answering(web)) as server:
        if context:
            # Shaken hands in the thread of the connection, because a client that refuses must not stop the server.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        web.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield web
        server.shutdown()
        thread.join()


@pytest.fixture
def plain_web() -> Iterator[Web]:
    with _running(Web(), None) as web:
        yield web


@pytest.fixture
def web(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Give a server with TLS, whose certificate is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with _running(Web(), context) as web:
        yield web
