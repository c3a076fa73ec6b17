"""Follow the steps that `mlpackage new` prints, as they are printed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hatch_mlpackage.serve.health import free_port, wait_until_healthy

pytestmark = [pytest.mark.environments, pytest.mark.templates, pytest.mark.network, pytest.mark.slow]

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 600


@contextmanager
def serving(command: str, folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """Run a server's command, stop it at the end, and give its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    words = [*shlex.split(command), "--port", url.rpartition(":")[2]]
    with subprocess.Popen(words, cwd=folder, env=variables) as server:
        try:
            assert wait_until_healthy(url, while_alive=lambda: server.poll() is None)
            yield url
        finally:
            server.terminate()


def test_after_an_install_from_a_checkout(tmp_path):
    """In an environment with nothing but an install from a checkout, every printed step works, up to an answer."""
    environment = tmp_path / "venv"
    variables = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment),
    }

    def run(script: str, folder: Path = tmp_path) -> str:
        command = ["bash", "-euc", script]
        outcome = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert outcome.returncode == 0, f"{script}\n{outcome.stdout}{outcome.stderr}"
        return outcome.stdout

    run(f"{shlex.quote(sys.executable)} -m venv {shlex.quote(str(environment))}")
    run(f"python -m pip install --quiet {shlex.quote(f'{REPOSITORY}[cli]')}")
    printed = run("mlpackage new --framework python --no-input")
    *steps, last = (line.strip() for line in printed.partition("Next:\n")[2].splitlines())
    run("\n".join(steps))

    serve, _, elsewhere = last.partition("#")
    with serving(serve, tmp_path / "my-model", variables) as url:
        score = elsewhere.partition(": ")[2]
        answer = json.loads(run(f"{score} --url {url}", tmp_path / "my-model"))

    assert answer == json.loads((tmp_path / "my-model/predicted.json").read_text())
