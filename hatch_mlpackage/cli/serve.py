"""`mlpackage serve`: serve a project, a context or a single script without a container engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from hatch_mlpackage.cli.errors import print_error
from hatch_mlpackage.cli.next_steps import LOOPBACK, score_step
from hatch_mlpackage.cli.output import say
from hatch_mlpackage.cli.project import open_project
from hatch_mlpackage.cli.reload import snapshot, wait_for_change
from hatch_mlpackage.cli.verbs import EXISTING_FILE, EXISTING_FOLDER, Verb, folder_option
from hatch_mlpackage.errors import MLPackageError, UnavailableError
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.run_foreground import run_in_foreground, shell_status, stop
from hatch_mlpackage.project.config.keys import PORT
from hatch_mlpackage.serve.layout import (
    Serving,
    serve_context,
    serve_project,
    serve_script,
    server_command,
    worker_python,
)

Layout = Callable[[Path], Serving]

_PLACE = click.Path(path_type=Path)  # the server refuses one that is not there, with the original's exit status


@click.command(
    "serve",
    cls=Verb,
    short_help="Serve the project, or a context, without containers.",
    examples=(
        "mlpackage serve",
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
    help="The interpreter that has the model's packages; default: the active environment's, or else .venv's.",
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
    reload: bool,
    extra: tuple[str, ...],
) -> int:
    """Serve a project, a context or a single script as the image would, without a container engine.

    Options may be spelt with underscores, like those of the Azure ML server. The exit status is 3 when the entry
    script cannot start. Ctrl-C stops everything.
    """
    layout = choose_layout(folder, context, entry_script, model_dir)
    interpreter = find_python(python) if python else worker_python(folder, os.environ)
    say(f"Serving with the packages of {interpreter} (Ctrl-C stops it)")
    flags = ["--host", host, "--port", str(port), "--worker-python", interpreter]
    flags += ["--worker-count", str(worker_count)] if worker_count else []
    say_next = partial(_say_next, host, port)
    if reload:
        return _serve_and_reload(layout, (*flags, *extra), say_next)
    with laid_out(layout) as serving:
        say_next(serving)
        return _serve(serving, (*flags, *extra))


def _say_next(host: str, port: int, serving: Serving) -> None:
    if port:  # the server itself says which free port it has taken
        say(f"Next, elsewhere: {score_step(host, port, serving.sample_folder)}")


def choose_layout(folder: Path, context: Path | None, entry_script: Path | None, model_dir: Path | None) -> Layout:
    """Return the function that lays out what the options name; raise UsageError for options that exclude each other."""
    if context and entry_script:
        raise click.UsageError("--context and --entry-script name two things to serve: give one of them.")
    if model_dir and not entry_script:
        raise click.UsageError("--model-dir needs --entry-script: a project and a context declare their own models.")
    if entry_script:
        return lambda _: serve_script(entry_script, model_dir)
    if context:
        return lambda top: serve_context(context, top)
    return lambda top: serve_project(open_project(folder, {}), top)


def find_python(python: str) -> str:
    """Return an interpreter's absolute path with its links: an environment's Python finds its packages by them."""
    found = shutil.which(python)
    if found is None:
        raise click.BadParameter(f"'{python}' is not a program.", param_hint="'--python'")
    return str(Path(found).absolute())


@contextmanager
def laid_out(layout: Layout) -> Iterator[Serving]:
    """Lay out what is served in a temporary folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mlpackage-") as top:
        yield layout(real_path(Path(top)))


def _serve(serving: Serving, flags: Iterable[str]) -> int:
    command = server_command(serving, flags)
    try:
        return run_in_foreground(command, environment=_environment(serving), folder=serving.folder)
    except OSError as error:
        raise UnavailableError(f"{command[0]} cannot be started: {error}.") from error


def _environment(serving: Serving) -> Mapping[str, str]:
    """Return the server's environment, which tells it to end with us, and by which paths the user knows the sources."""
    own = {"MLPACKAGE_OWN_FOLDER": str(serving.own_folder)} if serving.own_folder else {}
    return {**os.environ, **serving.environment, "MLPACKAGE_PARENT": str(os.getpid()), **own}


def _serve_and_reload(layout: Layout, flags: tuple[str, ...], say_next: Callable[[Serving], None]) -> NoReturn:
    """Serve, and start again after each change; once it has served, a mistake is printed and waits for a change."""
    watched: tuple[Path, ...] = ()
    while True:
        before = snapshot(watched)
        try:
            with laid_out(layout) as serving:
                if not watched:
                    say_next(serving)
                watched = serving.watched
                changed = _serve_until_change(serving, flags)
        except MLPackageError as error:
            if not watched:
                raise
            print_error(error)
            changed = wait_for_change(watched, before)
        say(f"{changed} changed: starting again")


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
