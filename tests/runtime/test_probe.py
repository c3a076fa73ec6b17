"""The health verb, which a container's HEALTHCHECK runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from runtime_service import RUNTIME, Start


def probe(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(RUNTIME), "health", *flags]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_a_ready_server_is_healthy(serve: Start) -> None:
    """The probe succeeds silently, with the port as a flag or in the environment."""
    port = str(serve("def init(): pass\ndef run(x): pass\n").port)
    probes = probe(f"--port={port}"), probe(MLPACKAGE_PORT=port)
    assert [(ran.returncode, ran.stdout, ran.stderr) for ran in probes] == [(0, "", "")] * 2


def test_a_starting_server_is_not_healthy(start: Start) -> None:
    """The probe fails and says what the server answers."""
    service = start("import time\ndef init(): time.sleep(60)\ndef run(x): pass\n").wait_until_listening()
    ran = probe(f"--port={service.port}")
    assert (ran.returncode, ran.stderr) == (1, f"Not healthy: port {service.port} answers 503: Unhealthy\n")


def test_a_port_without_a_server_is_not_healthy() -> None:
    """The probe fails and says that nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ran = probe(f"--port={port}")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Not healthy: port {port} does not answer:")


def test_the_program_without_a_verb_shows_its_usage() -> None:
    """Wrong usage ends with status 2 and the verbs there are."""
    ran = subprocess.run([sys.executable, "-I", str(RUNTIME)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr[:6]) == (2, "usage:")
