"""`mlpackage demo`: package a real model from start to end, with the commands that a person would type."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from hatch_mlpackage.cli.bake import bake
from hatch_mlpackage.cli.output import console, is_quiet, on_terminal, show
from hatch_mlpackage.cli.tables import draw_table
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.quoting import shown_word
from hatch_mlpackage.files.read import file_text, real_path
from hatch_mlpackage.files.run_foreground import shell_status, stop
from hatch_mlpackage.lock.resolve.uv import find_uv
from hatch_mlpackage.serve.health import free_port, wait_until_healthy
from hatch_mlpackage.serve.locked_environment import uv_settings

PROJECT_NAME = "diabetes"
CONTEXT = Path("dist", f"{PROJECT_NAME}-0.1.0-context")
_PYTHON = Path(".venv", "Scripts" if sys.platform == "win32" else "bin", "python")


class StepError(MLPackageError):
    """A step of the demo failed; the demo ends with the exit status of that step."""

    def __init__(self, line: str, status: int) -> None:
        super().__init__(f"`{line}` ended with status {status}; the reason is above.")
        self.exit_status = status


@click.command(
    "demo",
    cls=Verb,
    examples=("mlpackage demo", "mlpackage demo --directory diabetes"),
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Make the project here and keep it; default: a temporary folder, removed at the end.",
)
def command(directory: Path | None) -> None:
    """Train, lock, package, serve and score a real scikit-learn model, without a container engine.

    Takes a minute or two, and needs the network to install the model's packages.
    """
    with _project_folder(directory) as folder:
        _make_and_train(folder)
        _print_title("Check everything at once, before anything is written")
        _run_step(folder, "mlpackage check")
        _print_title("Write the build context, offline and without a container engine")
        _run_step(folder, "mlpackage generate")
        _serve_and_score(folder)
        _print_title("Prove that serving changed nothing: compare every byte and mode of the context with its manifest")
        _run_step(folder, f"mlpackage verify {CONTEXT}")
    _say_what_next(directory)


@contextlib.contextmanager
def _project_folder(directory: Path | None) -> Iterator[Path]:
    """Yield the path where the project will be made."""
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="mlpackage-demo-") as folder:
            yield real_path(Path(folder)) / PROJECT_NAME
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    yield directory.absolute()


def _make_and_train(folder: Path) -> None:
    names = bake({"project_slug": PROJECT_NAME, "ci": "none", "licence": "proprietary"}, folder)
    _print_title(f"A project with a model to train, an entry script, its dependencies and tests, in {folder}")
    show("\n".join(f"  {name}" for name in names))
    _print_title("Lock the dependencies, with hashes, for the image's Python and platform")
    _run_step(folder, "mlpackage lock")
    _print_title("Install the locked packages here, each checked by its hash, and train in them")
    _run_step(folder, f"uv venv --quiet --python {shown_word(sys.executable)} .venv")
    _run_step(folder, f"uv pip install --quiet --python {_PYTHON} --require-hashes -r locks/requirements.txt")
    _run_step(folder, f"{_PYTHON} train.py")


def _serve_and_score(folder: Path) -> None:
    _print_title("Serve that context as its image would, with the locked packages, and score two patients over HTTP")
    url = f"http://127.0.0.1:{free_port()}"
    with _running_server(folder, url):
        answer = json.loads(_run_step(folder, f"mlpackage score --url {url} --data @src/sample.json", capture=True))
    predicted = json.loads(file_text(folder / "predicted.json"))
    pairs = enumerate(zip(answer, predicted, strict=True), 1)
    if not is_quiet():
        rows = [(str(patient), repr(served), repr(its)) for patient, (served, its) in pairs]
        draw_table(("patient", "served", "model.predict"), rows)
    # Another process may add the same numbers in another order.
    if not all(math.isclose(served, its) for served, its in zip(answer, predicted, strict=True)):
        raise MLPackageError("The served answer differs from what model.predict returns.")
    show("They agree.")


def _say_what_next(directory: Path | None) -> None:
    _print_title("Next")
    if directory is None:
        show("Keep the project:     mlpackage demo --directory diabetes && cd diabetes")
        show("Then build an image:  mlpackage image build && mlpackage image run")
    else:
        show(f"Build an image:       cd {shown_word(directory)} && mlpackage image build && mlpackage image run")
    show("Package your own:     mlpackage new")


@contextlib.contextmanager
def _running_server(folder: Path, url: str) -> Iterator[None]:
    line = f"mlpackage serve --locked --context {CONTEXT} --port {url.rpartition(':')[2]}"
    show(f"$ {line} &")
    sys.stdout.flush()
    with subprocess.Popen(_command_of(line), cwd=folder) as process:
        try:
            if not wait_until_healthy(url, while_alive=lambda: process.poll() is None):
                raise StepError(line, shell_status(process.poll() or 1))
            yield
        finally:
            stop(process)


def _run_step(folder: Path, line: str, *, capture: bool = False) -> str:
    """Show a command line, run it in the folder, and return its output if `capture` is set."""
    show(f"$ {line}")
    sys.stdout.flush()
    environment, flags = uv_settings() if line.startswith("uv ") else (None, ())
    output, words = subprocess.PIPE if capture else None, (*_command_of(line), *flags)
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=output, text=True) as process:
        try:
            printed, _ = process.communicate()
        finally:
            stop(process)
    if process.returncode:
        raise StepError(line, shell_status(process.returncode))
    return printed or ""


def _command_of(line: str) -> tuple[str, ...]:
    """Split a command line, with the paths of our own mlpackage and uv instead of those on PATH."""
    program, *arguments = shlex.split(line)
    brought = {"mlpackage": (sys.executable, "-P", "-m", "hatch_mlpackage"), "uv": (find_uv() or "uv",)}
    return (*brought.get(program, (program,)), *arguments)


def _print_title(text: str) -> None:
    if on_terminal() and not is_quiet():
        console().print(f"\n{text}", style="bold cyan", markup=False)
    else:
        show(f"\n{text}")
