"""Run every shell block of the tutorial and the how-to pages, in order, on the files that the page gives."""

from __future__ import annotations

import ast
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PATIENCE = 600  # seconds for one block, locking and training included, on a busy machine

# Commands that another test runs, because they need an engine or change the environment that the tests run in.
ELSEWHERE = {
    'python -m pip install "hatch-mlpackage[cli]"': "tests/cli/test_demo.py::test_the_whole_job",
    "python -m pip install --editable": "tests/templates/test_projects.py::test_in_isolation",
    "python -m pip install joblib numpy": "tests/templates/test_own_model.py::test_five_commands",
    "mlpackage image build": "tests/containers/test_hand_off.py::test_image_build",
    "mlpackage image push": "tests/cli/test_image.py::test_push_and_pull",
    "mlpackage image run": "tests/containers/test_hand_off.py::test_image_run",
    "docker build --build-context": "tests/containers/test_named_contexts.py::test_another_model_stops_the_build",
    "docker build --network none": "tests/containers/test_wheels.py::test_a_wheelhouse_needs_no_network",
    "uv run --no-project --python": "tests/docs/test_old_pythons.py::test_a_recipe",
    "buildah build --format oci": "tests/containers/test_reproducible.py::test_pip",
    "DOCKER_BUILDKIT=1": "tests/containers/test_wheels.py::test_a_password_installs_and_stays_out",
}


def pages():
    return [path for path in sorted(DOCS.glob("*.md")) if "```sh\n" in path.read_text(encoding="utf-8")]


def blocks(page):
    return [(kind, title, text) for kind, title, text in BLOCK.findall(page.read_text(encoding="utf-8"))]


def is_elsewhere(line):
    return any(line.startswith(command) for command in ELSEWHERE)


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_elsewhere_is_there(test):
    """Each command that is not run here has an existing test elsewhere."""
    path, _, name = test.partition("::")
    functions = [node.name for node in ast.walk(ast.parse((ROOT / path).read_bytes())) if hasattr(node, "name")]

    assert name in functions


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_page(page, tmp_path):
    """The commands of a page work in the page's order."""
    with closing(Reader(tmp_path)) as reader:
        for kind, title, text in blocks(page):
            if title:
                reader.write(title, text)
            elif kind == "sh":
                reader.run(text)


class Reader:
    """Follow a page in an empty folder with one terminal, and a second one for the server."""

    def __init__(self, folder):
        self._folder = folder
        self._port = 0
        self._server = None
        scripts = Path(sys.executable).parent
        self._environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}

    def write(self, name, text):
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, text):
        waiting = []
        for line in text.splitlines():
            if line.startswith("mlpackage serve"):
                self._shell(waiting)
                waiting.clear()
                self._serve(line)
            elif not is_elsewhere(line):
                waiting.append(line)
        self._shell(waiting)

    def _shell(self, lines):
        script = "\n".join(lines).replace("5001", str(self._port))
        # As that of diff(1), the status of `mlpackage diff` tells whether there are differences.
        script = re.sub(r"^mlpackage diff .*", r"\g<0> || [ $? -eq 1 ]", script, flags=re.MULTILINE)
        script = re.sub(r"^mlpackage score", rf"\g<0> --url http://127.0.0.1:{self._port}", script, flags=re.MULTILINE)
        outcome = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert outcome.returncode == 0, f"{script}\n{outcome.stdout}{outcome.stderr}"

    def _serve(self, line):
        self._stop()
        self._port = _free_port()  # chosen now: on a busy machine, somebody takes a port that stays free for long
        command = [*line.partition("#")[0].split(), "--port", str(self._port)]
        log = self._folder / "server.log"
        with log.open("w") as stream:
            self._server = subprocess.Popen(
                command, cwd=self._folder, env=self._environment, stdout=stream, stderr=stream
            )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < end, log.read_text()
            assert self._server.poll() is None, log.read_text()
            time.sleep(0.1)

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/", timeout=5):
                return True
        except OSError:
            return False

    def _stop(self):
        if self._server:
            self._server.terminate()
            self._server.wait(30)

    def close(self):
        self._stop()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
