"""Follow the steps that `mlpackage new` prints, as they are printed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hatch_mlpackage.cli.bake import questions
from hatch_mlpackage.serve.health import free_port, wait_until_healthy

pytestmark = [pytest.mark.environments, pytest.mark.templates, pytest.mark.network, pytest.mark.slow]

FRAMEWORKS = [key for question in questions() if question.key == "framework" for key in question.choices]
REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 600


class Newcomer:
    """A person with a shell in an empty folder, and a virtual environment with nothing but an install of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = folder / "venv"
        self._variables = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(environment),
            "PIP_NO_COMPILE": "1",  # most of what is installed is never imported here
        }
        self.run(f"{shlex.quote(sys.executable)} -m venv venv")
        self.run(f"python -m pip install --quiet {shlex.quote(f'{REPOSITORY}[cli]')}")

    def run(self, script: str, folder: str = ".") -> str:
        """Run a script, which has to succeed, and return what it printed."""
        outcome = subprocess.run(
            ["bash", "-euc", script],
            cwd=self.folder / folder,
            env=self._variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert outcome.returncode == 0, f"{script}\n{outcome.stdout}{outcome.stderr}"
        return outcome.stdout

    def next_steps(self, command: str) -> list[str]:
        """Run a command and return the steps that it prints at its end."""
        return [line.strip() for line in self.run(command).partition("Next:\n")[2].splitlines()]

    @contextmanager
    def serving(self, command: str, folder: str = ".") -> Iterator[str]:
        """Run a server's command, stop it at the end, and give the option with its URL."""
        url = f"http://127.0.0.1:{free_port()}"
        words = [*shlex.split(command, comments=True), "--port", url.rpartition(":")[2]]
        with subprocess.Popen(words, cwd=self.folder / folder, env=self._variables) as server:
            try:
                assert wait_until_healthy(url, while_alive=lambda: server.poll() is None)
                yield f"--url {url}"
            finally:
                server.terminate()


@pytest.fixture
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    folder = tmp_path_factory.mktemp("newcomer")
    yield Newcomer(folder)
    shutil.rmtree(folder / "venv")  # a gigabyte with PyTorch, and pytest keeps the files of three runs


@pytest.fixture
def trained(baked: Callable[..., Path], succeed: Callable[..., str]) -> Callable[[str], Path]:
    """Give a function that trains a framework's model in the environment of the tests and returns its project."""

    def train(framework: str) -> Path:
        project = baked("trained", framework=framework)
        succeed(project, "train.py")
        return project

    return train


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_after_an_install_from_a_checkout(newcomer, trained, close_to, framework):
    """In an environment with nothing but an install from a checkout, every printed step works, up to an answer.

    The steps for a model of one's own come first: they install less than those for a model to train.
    """
    if framework != "python":
        follow_steps_around(trained(framework), newcomer, close_to)
    *steps, last = newcomer.next_steps(f"mlpackage new --framework {framework} --no-input")
    newcomer.run("\n".join(steps))

    score = last.partition("#")[2].partition(": ")[2]
    with newcomer.serving(last, "my-model") as url:
        answer = json.loads(newcomer.run(f"{score} {url}", "my-model"))

    assert answer == json.loads((newcomer.folder / "my-model/predicted.json").read_text())


def follow_steps_around(project: Path, newcomer: Newcomer, close_to: Callable[[object], object]) -> None:
    """Follow the steps for the model of a project, and ask also for what the project knows of it."""
    (model,) = (project / "models").iterdir()
    known, predicted = project / "src/sample.json", json.loads((project / "predicted.json").read_text())
    install, serve, score = newcomer.next_steps(f"mlpackage new own --model {shlex.quote(str(model))} --no-input")
    newcomer.run(install)

    with newcomer.serving(serve) as url:
        own_answer = json.loads(newcomer.run(f"{score.partition('#')[0]} {url}"))
        answer = json.loads(newcomer.run(f"mlpackage score {url} --data @{shlex.quote(str(known))}"))

    assert (len(own_answer), answer) == (1, close_to(predicted))
