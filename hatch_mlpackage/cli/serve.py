"""`mlpackage serve`: serve a project, a context or a single script without a container engine."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from hatch_mlpackage.cli.errors import print_error
from hatch_mlpackage.cli.next_steps import LOOPBACK, score_step
from hatch_mlpackage.cli.output import say
from hatch_mlpackage.cli.project import open_project
from hatch_mlpackage.cli.reload import snapshot, wait_for_change
from hatch_mlpackage.cli.verbs import EXISTING_FILE, EXISTING_FOLDER, Verb, folder_option
from hatch_mlpackage.errors import LockError, MLPackageError, UnavailableError
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.run_foreground import run_in_foreground, shell_status, stop
from hatch_mlpackage.project.config.keys import PORT
from hatch_mlpackage.serve.copies import Copies
from hatch_mlpackage.serve.layout import (
    Serving,
    serve_context,
    serve_project,
    serve_script,
    server_command,
    worker_python,
)
from hatch_mlpackage.serve.locked import Locked, differences
from hatch_mlpackage.serve.locked_environment import make_locked

Layout = Callable[[Path, Copies], Serving]

_PLACE = click.Path(path_type=Path)  # the server refuses one that is not there, with the original's exit status
_NO_LOCK = "there is no lock that fits, or the base image brings its packages"


@click.command(
    "serve",
    cls=Verb,
    short_help="Serve the project, or a context, without containers.",
    examples=(
        "mlpackage serve",
        "mlpackage serve --locked",
        "mlpackage serve --context dist/diabetes-0.1.0-context --python .venv/bin/python",
        "mlpackage serve --entry_script score.py --model_dir models --port 8080 --reload",
    ),
)
@folder_option("The project's folder, with its pyproject.toml.")
@click.option("--context", type=EXISTING_FOLDER, metavar="DIR", help="Verify and serve this context, not the project.")
@click.option("--entry-script", type=EXISTING_FILE, metavar="FILE", help="Serve this script instead of the project.")
@click.option("--model-dir", type=_PLACE, metavar="DIR", help="The value of AZUREML_MODEL_DIR for the script.")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes any free port.")
@click.option("--worker-count", type=click.IntRange(min=1), help="Processes that score, each one request at a time.")
@click.option(
    "--python",
    metavar="FILE",
    help="The interpreter that has the model's packages; default: that of .venv, or else of the active environment.",
)
@click.option(
    "--locked", is_flag=True, help="Make an environment from the lock, in the user's cache, and serve with it."
)
@click.option("--reload", is_flag=True, help="Start again whenever a served file changes.")
@click.argument("extra", nargs=-1, metavar="[-- SERVER OPTIONS]")
def command(
    *,
    folder: Path,
    context: Path | None,
    entry_script: Path | None,
    model_dir: Path | None,
    host: str,
    port: int,
    worker_count: int | None,
    python: str | None,
    locked: bool,
    reload: bool,
    extra: tuple[str, ...],
) -> int:
    """Serve a project, a context or a single script as the image would, without a container engine.

    Serves copies of the files, and says how the packages differ from the lock, unless --locked makes those of the lock.

    Options may be spelt with underscores, like those of the Azure ML server. The exit status is 3 when the entry
    script cannot start. Ctrl-C stops everything.
    """
    if locked and (python or entry_script):
        other = "--python" if python else "--entry-script"
        raise click.UsageError(f"--locked makes the environment of a project's or context's lock: leave out {other}.")
    layout = choose_layout(folder, context, entry_script, model_dir)
    interpreter = find_python(python) if python else "" if locked else worker_python(folder, os.environ)
    flags = ["--host", host, "--port", str(port)]
    flags += ["--worker-count", str(worker_count)] if worker_count else []
    worker = Worker(interpreter, address=(host, port), has_image=not entry_script)
    if reload:
        return _serve_and_reload(layout, worker, (*flags, *extra))
    with session() as top:
        return _serve(layout(top, Copies(say)), worker, (*flags, *extra))


class Worker:
    """The interpreter that scores: a given one, or that of an environment which is made from the lock."""

    def __init__(self, interpreter: str, *, address: tuple[str, int], has_image: bool) -> None:
        self._given = interpreter
        self._host, self._port = address
        self._has_image = has_image
        self._said = ""

    def flags(self, serving: Serving) -> tuple[str, str]:
        """Return the flags that name the interpreter, and say once which it is and how it differs from the lock."""
        interpreter = self._given or make_locked(_lock_of(serving), report=say)
        lines = [f"Serving with the packages of {interpreter} (Ctrl-C stops it)"]
        if self._port:  # the server itself says which free port it has taken
            lines.append(f"Next, elsewhere: {score_step(self._host, self._port, serving.sample_folder)}")
        if self._given and self._has_image:
            lines += _compared(serving.locked, interpreter)
        said = "\n".join(lines)
        if said != self._said:
            say(said)
        self._said = said
        return ("--worker-python", interpreter)


def _compared(locked: Locked | None, interpreter: str) -> list[str]:
    """Return a line that says how an interpreter's packages differ from the image's, or none if they do not."""
    if locked is None:
        return [f"Not compared with the image: {_NO_LOCK}"]
    other = differences(locked, interpreter)
    return [f"Not as in the image: {other}; --locked serves with what is locked"] if other else []


def _lock_of(serving: Serving) -> Locked:
    if serving.locked is None:
        raise LockError(f"{_NO_LOCK.capitalize()}. Run: mlpackage lock")
    return serving.locked


def choose_layout(folder: Path, context: Path | None, entry_script: Path | None, model_dir: Path | None) -> Layout:
    """Return the function that lays out what the options name; raise UsageError for options that exclude each other."""
    if context and entry_script:
        raise click.UsageError("--context and --entry-script name two things to serve: give one of them.")
    if model_dir and not entry_script:
        raise click.UsageError("--model-dir needs --entry-script: a project and a context declare their own models.")
    if entry_script:
        return lambda _top, _copies: serve_script(entry_script, model_dir)
    if context:
        return lambda top, copies: serve_context(context, top, copies)
    return lambda top, copies: serve_project(open_project(folder, {}), top, copies)


def find_python(python: str) -> str:
    """Return an interpreter's absolute path with its links: an environment's Python finds its packages by them."""
    found = shutil.which(python)
    if found is None:
        raise click.BadParameter(f"'{python}' is not a program.", param_hint="'--python'")
    return str(Path(found).absolute())


@contextmanager
def session() -> Iterator[Path]:
    """Give a temporary folder for the files that are served, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mlpackage-") as top:
        yield real_path(Path(top))


def _serve(serving: Serving, worker: Worker, flags: Iterable[str]) -> int:
    command = server_command(serving, (*worker.flags(serving), *flags))
    try:
        return run_in_foreground(command, environment=_environment(serving), folder=serving.folder)
    except OSError as error:
        raise UnavailableError(f"{command[0]} cannot be started: {error}.") from error


def _environment(serving: Serving) -> Mapping[str, str]:
    """Return the server's environment, which tells it to end with us, and by which paths the user knows the sources."""
    own = {"MLPACKAGE_OWN_FOLDER": str(serving.own_folder)} if serving.own_folder else {}
    return {**os.environ, **serving.environment, "MLPACKAGE_PARENT": str(os.getpid()), **own}


def _serve_and_reload(layout: Layout, worker: Worker, flags: tuple[str, ...]) -> NoReturn:
    """Serve, and start again after each change; once it has served, a mistake is printed and waits for a change."""
    watched: tuple[Path, ...] = ()
    copies, last = Copies(say), None
    with session() as folder:
        for number in itertools.count():
            before = snapshot(watched)
            top = folder / str(number)
            top.mkdir()
            try:
                serving = layout(top, copies)
                last = _replace(last, top)
                of_worker = worker.flags(serving)
                watched = serving.watched
                changed = _serve_until_change(serving, (*of_worker, *flags))
            except MLPackageError as error:
                if not watched:
                    raise
                print_error(error)
                changed = wait_for_change(watched, before)
            say(f"{changed} changed: starting again")
    raise AssertionError  # the loop has no end


def _replace(last: Path | None, top: Path) -> Path:
    """Remove the last layout, of which the unchanged files were moved to the new one."""
    if last:
        shutil.rmtree(last, ignore_errors=True)
    return top


def _serve_until_change(serving: Serving, flags: tuple[str, ...]) -> str:
    before = snapshot(serving.watched)
    command = server_command(serving, flags)
    with subprocess.Popen(command, env=_environment(serving), cwd=serving.folder) as process:
        try:
            return wait_for_change(serving.watched, before, meanwhile=_report_end_once(process))
        finally:
            stop(process)


def _report_end_once(process: subprocess.Popen[bytes]) -> Callable[[], None]:
    reported = False

    def look() -> None:
        nonlocal reported
        status = process.poll()
        if status is not None and not reported:
            reported = True
            say(f"The server ended with status {shell_status(status)}: waiting for a change")

    return look
