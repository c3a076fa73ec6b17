"""Projects of one model each, without an entry script, served by the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hatch_mlpackage.project.pyproject import Project, load_project
from hatch_mlpackage.serve.health import free_port, wait_until_healthy


class Served:
    """A running server of a project."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)

    def score(self, **request: Any) -> Any:
        """Return the answer to a request, which must succeed."""
        answer = self.client.post("/score", json=request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, **request: Any) -> tuple[int, str]:
        answer = self.client.post("/score", json=request)
        return answer.status_code, answer.json()["message"]

    def input_schema(self) -> Any:
        """Return the schema of each input parameter from the service's description."""
        return self.client.get("/swagger.json").json()["definitions"]["ServiceInput"]["properties"]


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Project]:
    """Give a function that writes a project around a model file that it has already."""

    def write(path: str, framework: str, more: str = "") -> Project:
        (tmp_path / "pyproject.toml").write_text(
            '[project]\nname = "model"\nversion = "1"\n\n[tool.mlpackage]\npin-base-image = false\n\n'
            f'[[tool.mlpackage.models]]\nname = "model"\npath = {json.dumps(path)}\nframework = "{framework}"\n{more}\n'
        )
        return load_project(tmp_path)

    return write


@pytest.fixture
def project_of(tmp_path: Path, declare: Callable[..., Project]) -> Callable[..., Project]:
    """Give a function that saves a model to a path and writes a project around it."""

    def write(path: str, framework: str, save: Callable[[Path], object], more: str = "") -> Project:
        save(tmp_path / path)
        return declare(path, framework, more)

    return write


@pytest.fixture
def serve(program: tuple[str, ...]) -> Iterator[Callable[[Project], Served]]:
    """Give a function that serves a project with `mlpackage serve` and the packages of the tests."""
    started: list[tuple[subprocess.Popen[bytes], Served]] = []

    def begin(project: Project) -> Served:
        url = f"http://127.0.0.1:{free_port()}"
        command = [*program, "serve", "--project", str(project.root)]
        flags = ["--port", url.rpartition(":")[2], "--python", sys.executable]
        with (project.root / "server.log").open("wb") as log:
            process = subprocess.Popen([*command, *flags], stdout=log, stderr=log)
        started.append((process, Served(url)))
        alive = wait_until_healthy(url, while_alive=lambda: process.poll() is None)
        assert alive, (project.root / "server.log").read_text()
        return started[-1][1]

    yield begin
    for process, served in started:
        served.client.close()
        process.terminate()
        process.wait(20)
