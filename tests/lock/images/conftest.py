from __future__ import annotations

import base64
import http.server
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hatch_mlpackage.lock.images.resolve import Resolved, resolve

SERVICE = "the tests' registry"
ISSUER = "the tests' token server"


@pytest.fixture(autouse=True)
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hide the machine's logins and proxies, and give a function that writes Docker's logins."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name == "REGISTRY_AUTH_FILE"]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)

    def write(**settings: object) -> None:
        (home / ".docker").mkdir(parents=True, exist_ok=True)
        (home / ".docker/config.json").write_text(json.dumps(settings))

    return write


@pytest.fixture(scope="session")
def login() -> Callable[[str, str], dict[str, str]]:
    """Give a function that writes a login as Docker keeps it."""
    return lambda user, password: {"auth": _base64(f"{user}:{password}")}


@pytest.fixture(scope="session")
def asked_of() -> Callable[..., Resolved]:
    """Give a function that resolves a reference, for linux/amd64 if no platform is given."""

    def ask(asked: str, platform: str = "linux/amd64", known: Resolved | None = None) -> Resolved:
        return resolve(asked, platform, known=known, report=pytest.fail)

    return ask


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture(scope="session")
def open_registry(run_registry: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run a registry that everybody may read and write."""
    with run_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def private_registry(run_registry: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run a registry that asks for a password."""
    with run_registry(tmp_path_factory.mktemp("private"), with_password=True) as running:
        yield running


@dataclass(kw_only=True)
class TokenServer:
    """Gives out tokens as a registry asks for them: to anybody for `public/`, else for the password or `identity`."""

    service: str = SERVICE
    identity: str = "refresh-me-once-more"
    basic: str = ""
    address: str = ""
    directory: Path
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def token(self, scope: str) -> str:
        """Sign a JSON web token with openssl, as a registry checks it: RS256, the certificate in its header."""
        kind, name, actions = scope.split(":")
        certificate = (self.directory / "cert.pem").read_text()
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(certificate.splitlines()[1:-1])]}
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": "",
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": str(len(self.asked)),
            "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }
        signed = ".".join(_url_safe(json.dumps(part).encode()) for part in (header, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", self.directory / "key.pem"]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{_url_safe(signature)}"

    def answer(self, authorization: str, query: dict[str, str]) -> tuple[int, object]:
        self.asked.append((authorization, query))
        scope = query["scope"]
        allowed = scope.startswith("repository:public/") or authorization == self.basic
        refreshed = query.get("grant_type") == "refresh_token" and query.get("refresh_token") == self.identity
        if not (allowed or refreshed):
            return 401, {"details": "incorrect username or password"}
        return 200, {"access_token" if refreshed else "token": self.token(scope)}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _answering(tokens: TokenServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, query: str) -> None:
            values = {name: value[0] for name, value in parse_qs(query).items()}
            status, document = tokens.answer(self.headers.get("Authorization", ""), values)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Answers


@pytest.fixture
def token_server(certificate: Path) -> Iterator[TokenServer]:
    tokens = TokenServer(directory=certificate)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _answering(tokens)) as server:
        tokens.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tokens
        server.shutdown()
        thread.join()


@pytest.fixture
def token_registry(run_registry: Callable[..., Any], tmp_path: Path, token_server: TokenServer) -> Iterator[Any]:
    """Run a registry that sends every client to the token server, which knows the login of a private registry."""
    settings = {
        "auth": {
            "token": {
                "realm": f"http://{token_server.address}/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(token_server.directory / "cert.pem"),
            }
        }
    }
    with run_registry(tmp_path / "registry", settings=settings) as running:
        token_server.basic = running.basic
        yield running


@dataclass(kw_only=True)
class Script:
    """A stand-in that gives answers which no real registry gives on demand, and records the requests."""

    host: str = ""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((f"{self.command} {self.path}", dict(self.headers)))
            status, headers, content = made.answers.get(f"{self.command} {self.path}") or made.answers["*"]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the base class looks it up by this name

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        made.host = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()
