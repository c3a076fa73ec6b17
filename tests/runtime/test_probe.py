"""The health verb, which a container's HEALTHCHECK runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Start

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(runtime: Path) -> Run:
    """Run the runtime's program in an environment with the given variables too."""

    def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(runtime), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)

    return run_program


def test_a_ready_server_is_healthy(serve: Start, run: Run) -> None:
    """The probe succeeds silently, with the port as a flag or in the environment."""
    port = str(serve("def init(): pass\ndef run(x): pass\n").port)
    probes = run("health", f"--port={port}"), run("health", MLPACKAGE_PORT=port)
    assert [(ran.returncode, ran.stdout, ran.stderr) for ran in probes] == [(0, "", "")] * 2


def test_a_starting_server_is_not_healthy(start: Start, run: Run) -> None:
    """The probe fails and says what the server answers."""
    service = start("import time\ndef init(): time.sleep(60)\ndef run(x): pass\n").wait_until_listening()
    ran = run("health", f"--port={service.port}")
    assert (ran.returncode, ran.stderr) == (1, f"Not healthy: port {service.port} answers 503: Unhealthy\n")


def test_a_port_without_a_server_is_not_healthy(run: Run) -> None:
    """The probe fails and says that nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ran = run("health", f"--port={port}")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Not healthy: port {port} does not answer:")


def test_the_program_without_a_verb_shows_its_usage(run: Run) -> None:
    """Wrong usage ends with status 2 and the list of verbs."""
    ran = run()
    assert (ran.returncode, ran.stderr[:6]) == (2, "usage:")
