"""The reverse proxy of docs/threat-model.md, as nginx runs it in front of a server."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from runtime_service import Service, Start

PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"
ECHO = "def init(): pass\ndef run(x, request_headers): return [x, request_headers.get('Authorization')]\n"
AROUND = "daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}\n}}\n"
KEY = {"authorization": "Bearer change-this-key"}

pytestmark = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")), reason="nginx and openssl are not installed"
)


@pytest.fixture
def proxy(serve: Start, tmp_path: Path) -> Iterator[tuple[Service, httpx.Client]]:
    """Run nginx with the page's configuration, its paths and ports replaced, and give a server and a client."""
    service = serve(ECHO, MLPACKAGE_PEER_LIMIT="0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    certificate, key = tmp_path / "model.crt", tmp_path / "model.key"
    subject = ["-subj", "/CN=model.example.com", "-addext", "subjectAltName=DNS:model.example.com,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", *subject, *files], check=True, capture_output=True
    )
    text = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    text = text.replace("/etc/nginx/tls", str(tmp_path)).replace("listen 443", f"listen 127.0.0.1:{port}")
    configuration = tmp_path / "nginx.conf"
    text = text.replace("127.0.0.1:5001", f"127.0.0.1:{service.port}")
    configuration.write_text(AROUND.format(folder=tmp_path, text=text), encoding="utf-8")
    with subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(configuration)]) as process:
        try:
            service.wait_until(lambda: listens(port, process), "nginx to listen")
            with httpx.Client(
                base_url=f"https://127.0.0.1:{port}", verify=ssl.create_default_context(cafile=certificate)
            ) as client:
                yield service, client
        finally:
            process.terminate()


def listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "nginx has ended"
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_the_reverse_proxy_of_the_page(proxy: tuple[Service, httpx.Client]) -> None:
    """It asks for the key, keeps it to itself, passes /score on, and refuses what is larger or elsewhere."""
    _, client = proxy
    answers = [
        client.post("/score", content="x", headers=KEY),
        client.post("/score", content="x"),
        client.post("/score", content="x", headers={"authorization": "Bearer wrong"}),
        client.get("/swagger.json", headers=KEY),
        client.post("/score%0A", content="x", headers=KEY),
        client.post("/score", content=b"x" * 11_000_000, headers=KEY),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 401, 404, 404, 413]
    assert answers[0].json() == ["x", None]


def test_many_requests_share_its_connections(proxy: tuple[Service, httpx.Client]) -> None:
    """Hundreds of requests pass one after the other."""
    service, client = proxy
    statuses = {client.post("/score", content="x", headers=KEY).status_code for _ in range(300)}
    assert (statuses, len(service.worker_pids())) == ({200}, 1)
