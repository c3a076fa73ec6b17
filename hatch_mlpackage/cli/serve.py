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

import click

from hatch_mlpackage.cli.errors import print_error
from hatch_mlpackage.cli.next_steps import LOOPBACK
from hatch_mlpackage.cli.output import say
from hatch_mlpackage.cli.project import Described, with_described
from hatch_mlpackage.cli.reload import snapshot, wait_for_change
from hatch_mlpackage.cli.verbs import EXISTING_FILE, EXISTING_FOLDER, Verb
from hatch_mlpackage.cli.worker import Worker, find_python
from hatch_mlpackage.errors import INTERRUPTED, MLPackageError, UnavailableError
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.run_foreground import run_in_foreground, shell_status, stop
from hatch_mlpackage.project.config.keys import PORT
from hatch_mlpackage.serve.copies import Copies
from hatch_mlpackage.serve.health import require_port
from hatch_mlpackage.serve.layout import (
    Serving,
    require_server,
    serve_context,
    serve_project,
    serve_script,
    server_command,
    worker_python,
)
from hatch_mlpackage.serve.watched import Watched

Layout = Callable[[Path, Copies], Serving]

_PLACE = click.Path(path_type=Path)  # the server refuses one that is not there, with the original's exit status


@click.command(
    "serve",
    cls=Verb,
    examples=(
        "mlpackage serve",
        "mlpackage serve --locked",
        "mlpackage serve --entry-script score.py --model ridge=model.pkl --requirement requirements.txt",
        "mlpackage serve --context dist/diabetes-0.1.0-context --python .venv/bin/python",
        "mlpackage serve --entry_script score.py --model_dir models --port 8080 --reload",
    ),
)
@with_described
@click.option("--context", type=EXISTING_FOLDER, metavar="DIR", help="Verify and serve this context, not the project.")
@click.option(
    "--model-dir", type=_PLACE, metavar="DIR", help="The value of AZUREML_MODEL_DIR for a script without a project."
)
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
@click.option(
    "--reload",
    is_flag=True,
    help="Start again when a file that is served changes; for a bare script: Python files beside it, logging.json and "
    "--model-dir. Logs (*.log) and the file that this output goes to never count.",
)
@click.argument("extra", nargs=-1, metavar="[-- SERVER OPTIONS]")
def command(
    *,
    described: Described,
    context: Path | None,
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

    With --entry-script and no other option of a project, serves that script where it is and reads no project, as the
    Azure ML server does.

    Options may be spelt with underscores, like those of that server. The exit status is 3 when the entry script or the
    server cannot start. Ctrl-C stops everything.
    """
    bare = is_bare_script(described)
    if locked and (python or bare):
        other = "--python" if python else "--entry-script"
        raise click.UsageError(f"--locked makes the environment of a project's or context's lock: leave out {other}.")
    interpreter = find_python(python) if python else "" if locked else worker_python(described.folder, os.environ)
    layout = choose_layout(described, context, model_dir, interpreter)
    require_server()
    require_port(host, port)
    flags = ["--host", host, "--port", str(port)]
    flags += ["--worker-count", str(worker_count)] if worker_count else []
    worker = Worker(interpreter, address=(host, port), has_image=not bare)
    if reload:
        return _serve_and_reload(layout, worker, (*flags, *extra))
    with session() as top:
        return _serve(layout(top, Copies(say)), worker, (*flags, *extra))


def choose_layout(described: Described, context: Path | None, model_dir: Path | None, interpreter: str) -> Layout:
    """Return the function that lays out what the options name; raise UsageError for options that exclude each other."""
    if context and described.typed:
        raise click.UsageError(f"--context serves what is written already: leave out {', '.join(described.flags)}.")
    if model_dir and not is_bare_script(described):
        raise click.UsageError(
            "--model-dir needs --entry-script, and no other option of a project: a project and a context declare their "
            "own models."
        )
    if is_bare_script(described):
        script = _existing(described.typed["entry_script"], "entry_script")
        return lambda _top, _copies: serve_script(script, model_dir, interpreter)
    if context:
        return lambda top, copies: serve_context(context, top, copies)
    return lambda top, copies: serve_project(described.load(), top, copies)


def is_bare_script(described: Described) -> bool:
    """Tell whether only a script is named: it is served where it is, without a project, as the original server did."""
    return [*described.typed] == ["entry_script"]


def _existing(path: str, name: str) -> Path:
    """Return an option's path; raise BadParameter, which names the option, if there is no such file."""
    context = click.get_current_context()
    option = next(option for option in context.command.params if option.name == name)
    return Path(EXISTING_FILE.convert(path, option, context))


@contextmanager
def session() -> Iterator[Path]:
    """Give a temporary folder for the files that are served, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mlpackage-") as top:
        yield real_path(Path(top))


def _serve(serving: Serving, worker: Worker, flags: Iterable[str]) -> int:
    command = server_command(serving, (*worker.flags(serving), *flags))
    try:
        return run_in_foreground(command, environment=_environment(serving, worker), folder=serving.folder)
    except KeyboardInterrupt:
        return _stopped()
    except OSError as error:
        raise UnavailableError(f"{command[0]} cannot be started: {error}.") from error


def _stopped() -> int:
    """Say that Ctrl-C did what it is there for, and return the status of a program that it ended."""
    say("Stopped.")
    return INTERRUPTED


def _environment(serving: Serving, worker: Worker) -> Mapping[str, str]:
    """Return the server's environment, which tells it what it cannot know of this machine.

    It ends with us, names the sources by the paths that the user knows, and says what to do where a module is missing.
    """
    own = {"MLPACKAGE_OWN_FOLDER": str(serving.own_folder)} if serving.own_folder else {}
    ours = {"MLPACKAGE_PARENT": str(os.getpid()), "MLPACKAGE_MISSING_MODULE": worker.remedy, **own}
    return {**os.environ, **serving.environment, **ours}


def _serve_and_reload(layout: Layout, worker: Worker, flags: tuple[str, ...]) -> int:
    """Serve, and start again after each change; once it has served, a mistake is printed and waits for a change."""
    watched = Watched()
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
                changed = _serve_until_change(serving, worker, (*of_worker, *flags))
            except KeyboardInterrupt:
                return _stopped()
            except MLPackageError as error:
                if not watched.whole:
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


def _serve_until_change(serving: Serving, worker: Worker, flags: tuple[str, ...]) -> str:
    before = snapshot(serving.watched)
    command = server_command(serving, flags)
    with subprocess.Popen(command, env=_environment(serving, worker), cwd=serving.folder) as process:
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
