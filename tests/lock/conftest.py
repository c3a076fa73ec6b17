from __future__ import annotations

import base64
import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.resolve import pip_settings


@dataclass
class PackageIndex:
    """A package index on the loopback address: plain HTML pages with hashes, as most private indexes serve."""

    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    password: str = ""
    asked: list[str] = field(default_factory=list)
    address: str = ""
    hang: threading.Event = field(default_factory=threading.Event)
    pages: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.address}/simple"

    @property
    def url_with_password(self) -> str:
        return f"http://user:{self.password}@{self.address}/simple"

    def add(self, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> str:
        """Add a wheel and return its sha256."""
        content = _wheel(name, version, requires, tag)
        self.files[f"{name}-{version}-{tag}.whl"] = content
        return hashlib.sha256(content).hexdigest()

    def add_source(self, name: str, version: str) -> str:
        content = f"the source archive of {name} {version}".encode()
        self.files[f"{name}-{version}.tar.gz"] = content
        return hashlib.sha256(content).hexdigest()

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        expected = "Basic " + base64.b64encode(f"user:{self.password}".encode()).decode()
        if self.password and authorization != expected:
            return 401, b""
        if self.status != 200:
            return self.status, b""
        if path.startswith("/files/"):
            content = self.files.get(path.removeprefix("/files/"))
            return (404, b"") if content is None else (200, content)
        name = path.removeprefix("/simple/").strip("/").replace("-", "_")
        return self._page([file for file in sorted(self.files) if file.partition("-")[0] == name])

    def _page(self, files: list[str]) -> tuple[int, bytes]:
        links = (
            f'<a href="/files/{file}#sha256={hashlib.sha256(self.files[file]).hexdigest()}">{file}</a><br>'
            for file in files
        )
        return (200 if files else 404), f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


def _wheel(name: str, version: str, requires: tuple[str, ...], tag: str) -> bytes:
    info = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    metadata += [f"Provides-Extra: {line.split(chr(39))[1]}" for line in requires if "extra ==" in line]
    texts = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in (*texts, f"{info}/RECORD"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in (texts | {f"{info}/RECORD": record}).items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()


def _type_of(path: str) -> str:
    archive = "application/gzip" if path.endswith(".tar.gz") else "application/zip"
    return "text/html" if path.startswith("/simple/") else archive


def _serving(index: PackageIndex) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            if index.hang.is_set():
                threading.Event().wait(5)
            status, content = index.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", _type_of(self.path))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the base class looks it up by this name

        def log_message(self, *_: object) -> None:
            pass

    return Answers


def start_index() -> tuple[PackageIndex, ThreadingHTTPServer]:
    """Serve an index until its server is shut down."""
    index = PackageIndex()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _serving(index))
    index.address = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return index, server


@pytest.fixture
def clean_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Hide the machine's resolver settings and caches; the test sets those that it is about."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setattr(pip_settings, "machine_folders", lambda _environ: [])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    return monkeypatch


@pytest.fixture
def index(clean_machine: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    """Serve a package index, and make it the machine's one index in pip's settings."""
    made, server = start_index()
    clean_machine.setenv("PIP_INDEX_URL", made.url)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def other_index(index: PackageIndex) -> Iterator[PackageIndex]:
    """Serve a second index, which no setting names yet."""
    made, server = start_index()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def asking() -> Callable[..., Requirements]:
    """Give a function that makes Requirements of inline requirements."""

    def ask(*inline: str) -> Requirements:
        problems = Problems()
        asked = read_requirements(Path(), (), inline, problems, "project.dependencies")
        problems.raise_if_any()
        return asked

    return ask


_BACKEND = """
import base64, hashlib, pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name, version, tag, *requires = pathlib.Path("about.txt").read_text().splitlines()
    info = f"{name}-{version}.dist-info"
    metadata = [f"Requires-Dist: {requirement}" for requirement in requires]
    metadata += [f"Provides-Extra: {line.split(chr(39))[1]}" for line in requires if "extra ==" in line]
    about = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, ""]
    texts = {
        f"{name}.py": pathlib.Path("module.py").read_text(),
        f"{info}/METADATA": "\\n".join(about),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: {tag}\\n",
    }
    record = [f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
              for path, text in texts.items()]
    texts[f"{info}/RECORD"] = "\\n".join([*record, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(pathlib.Path(wheel_directory, f"{name}-{version}-{tag}.whl"), "w") as archive:
        for path, text in texts.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    pathlib.Path("built-here").touch()
    return f"{name}-{version}-{tag}.whl"
"""


@pytest.fixture
def make_source() -> Callable[..., Path]:
    """Give a function that writes a project whose own backend builds its wheel, needing no package to do so."""

    def make(folder: Path, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> Path:
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        (folder / "backend.py").write_text(_BACKEND)
        (folder / "about.txt").write_text("\n".join([name, version, tag, *requires]))
        (folder / "module.py").write_text(f"version = {version!r}\n")
        return folder

    return make
