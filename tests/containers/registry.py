"""A real image registry on a loopback port (Debian's docker-registry), and the images that a test puts into it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = "docker-registry"
USER, PASSWORD = "reader", "not-so-secret-7"
# htpasswd -nbB reader not-so-secret-7
HTPASSWD = "reader:$2y$04$96i2vFq6bAvwy2m6PpZSkusEe50Ls2wk3pHygyOpDbhvE7kYN.S5K\n"

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_START_SECONDS = 20


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(kw_only=True)
class Registry:
    """A running registry; `headers` go along with what the test itself asks, `log` is where it writes its own."""

    host: str
    log: Path
    scheme: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """Stop it before its time."""
        assert self.process
        self.process.terminate()
        self.process.wait(20)

    def push_image(
        self, repository: str, tag: str, *, platform: str = "linux/amd64", oci: bool = True, layer: bytes = b"layer"
    ) -> str:
        """Push an image of one layer, which need not be a file system, and return the digest of its manifest."""
        return self.push_manifest(repository, tag, *self._image(repository, platform, oci=oci, layer=layer))

    def push_index(self, repository: str, tag: str, *platforms: str, oci: bool = True) -> dict[str, str]:
        """Push an index of images and an attestation; return platform → digest, the index's own under its tag."""
        entries, digests = [], {}
        for platform in (*platforms, "unknown/unknown"):
            kind, manifest = self._image(repository, platform, oci=oci, layer=platform.encode())
            digests[platform] = self.push_manifest(repository, digest_of(manifest), kind, manifest)
            system, architecture, *variant = platform.split("/")
            named = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
            entries.append({"mediaType": kind, "digest": digests[platform], "size": len(manifest), "platform": named})
        kind = OCI_INDEX if oci else DOCKER_LIST
        index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
        return {**digests, tag: self.push_manifest(repository, tag, kind, index)}

    def push_manifest(self, repository: str, tag: str, kind: str, manifest: bytes) -> str:
        self.ask(f"{repository}/manifests/{tag}", method="PUT", data=manifest, headers={"Content-Type": kind})
        return digest_of(manifest)

    def push_blob(self, repository: str, content: bytes) -> str:
        started = self.ask(f"{repository}/blobs/uploads/", method="POST", data=b"")
        separator = "&" if "?" in started else "?"
        self._send(
            f"{started}{separator}digest={digest_of(content)}",
            method="PUT",
            data=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        return digest_of(content)

    def delete_manifest(self, repository: str, digest: str) -> None:
        self.ask(f"{repository}/manifests/{digest}", method="DELETE")

    def ask(self, path: str, **settings: object) -> str:
        """Ask the API; returns the answer's Location."""
        return self._send(f"{self.scheme}://{self.host}/v2/{path}", **settings)

    def _image(self, repository: str, platform: str, *, oci: bool, layer: bytes) -> tuple[str, bytes]:
        system, architecture, *_ = platform.split("/")
        config = json.dumps(
            {"os": system, "architecture": architecture, "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST if oci else DOCKER_MANIFEST,
            "config": {
                "mediaType": OCI_CONFIG if oci else DOCKER_CONFIG,
                "digest": self.push_blob(repository, config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"
                    if oci
                    else "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "digest": self.push_blob(repository, layer),
                    "size": len(layer),
                }
            ],
        }
        return str(manifest["mediaType"]), json.dumps(manifest).encode()

    def _send(
        self, url: str, *, method: str = "GET", data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> str:
        request = urllib.request.Request(url, method=method, data=data, headers={**self.headers, **(headers or {})})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as response:
            return response.headers.get("Location", "")


@contextlib.contextmanager
def registry(
    directory: Path,
    *,
    settings: Mapping[str, object] | None = None,
    http: Mapping[str, object] | None = None,
    with_password: bool = False,
) -> Iterator[Registry]:
    """Run a registry with its data below `directory`; skips the test where there is none, but fails it in CI."""
    _require_program()
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    document: dict[str, object] = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
        "http": {"addr": host, "secret": "of the tests", **(http or {})},
        **(settings or {}),
    }
    made = Registry(host=host, log=directory / "log")
    if with_password:
        (directory / "htpasswd").write_text(HTPASSWD)
        document["auth"] = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
        made.headers = {"Authorization": basic(USER, PASSWORD)}
    # JSON is YAML.
    (directory / "config.yml").write_text(json.dumps(document))
    with (directory / "log").open("wb") as log:
        made.process = subprocess.Popen([PROGRAM, "serve", directory / "config.yml"], stdout=log, stderr=log)
    try:
        _wait_until_listening(made.process, host, made.log)
        yield made
    finally:
        made.stop()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _require_program() -> None:
    if shutil.which(PROGRAM) is None:
        reason = f"a real image registry is needed: apt-get install {PROGRAM}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI runs everything: {reason}")
        pytest.skip(reason)


def _wait_until_listening(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    name, _, port = host.partition(":")
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection((name, int(port)), timeout=1):
            return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
