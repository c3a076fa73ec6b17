"""Fixtures that start servers; the runtime comes from MLPACKAGE_RUNTIME_DIR, or from this repository."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from runtime_service import RUNTIME, SERVER_PYTHON, Service, Start, start_service

sys.path.insert(0, str(RUNTIME))


@pytest.fixture
def runtime() -> Path:
    """Give the folder of the runtime under test."""
    return RUNTIME


@pytest.fixture
def server_python() -> str:
    """Give the interpreter that has what the server needs."""
    return SERVER_PYTHON


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers that are stopped after the test."""
    started: list[Service] = []

    def start_one(script: str | None, *flags: str, **environment: str) -> Service:
        folder = tmp_path / f"app{len(started)}" if started else tmp_path
        folder.mkdir(exist_ok=True)
        started.append(start_service(folder, script, *flags, **environment))
        return started[-1]

    yield start_one
    for service in started:
        service.stop()


@pytest.fixture
def serve(start: Start) -> Start:
    """Start a server and wait until its workers are ready."""
    return lambda script, *flags, **environment: start(script, *flags, **environment).wait_until_ready()
