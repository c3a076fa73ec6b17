"""Run the `mlpackage` program: choose the verb, return the exit status, and end on signals.

Exit status: 0 done, 1 the input is wrong, 2 wrong usage, 3 the entry script or the server cannot start, 4 an engine or
the network is missing or failed, 130 interrupted; the status of a container engine that ran is passed on.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from hatch_mlpackage import __version__
from hatch_mlpackage.cli.errors import print_error
from hatch_mlpackage.cli.output import PLAIN, drop_what_is_not_written, reader_has_left
from hatch_mlpackage.cli.verbs import RUNNING, Verbs
from hatch_mlpackage.errors import INTERRUPTED, MLPackageError
from hatch_mlpackage.redaction import redact

_ENDING_SIGNALS = ("SIGTERM", "SIGHUP")

_VERBS = {
    "new": "Make a project, around your own model or one to train.",
    "lock": "Lock the image's packages, and its base image's digest.",
    "check": "Report every problem of the project at once.",
    "plan": "Show the layers, their sizes, and what would change.",
    "generate": "Write the build context.",
    "verify": "Compare a context with its manifest.",
    "diff": "Name the layers that differ between two contexts.",
    "image": "Build, run, push or pull the image.",
    "serve": "Serve the project, or a context, without containers.",
    "score": "Send a request to a running server.",
    "import-azureml": "Convert Azure ML's configuration files.",
    "demo": "Package, serve and score a real model, from scratch.",
    "completion": "Print the script for completion in a shell.",
}


@click.group(cls=Verbs, verbs=_VERBS, package="hatch_mlpackage.cli")
@click.version_option(__version__, "-V", "--version", prog_name="mlpackage")
def mlpackage() -> None:
    """Turn a trained model into a locked, reproducible Docker build context.

    Use the verbs in this order: new, lock, check, generate, image build. `mlpackage demo` shows them on a real model.
    """


def main(arguments: Sequence[str]) -> int:
    """Run the program as the only one in its process, and return its exit status."""
    for name in ("stdout", "stderr"):  # None when the parent process closed it
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for as long as we run
    _print_any_character(sys.stdout, sys.stderr)
    if logging.lastResort:  # prints what libraries log, as nothing here sets up logging
        logging.lastResort.setFormatter(_RedactingFormatter())
    for name in _ENDING_SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    return run(arguments)


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status; known errors are printed, never raised."""
    PLAIN.set(False)
    RUNNING.set("mlpackage")
    try:
        status = mlpackage.main(list(arguments), prog_name="mlpackage", standalone_mode=False)
        sys.stdout.flush()
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        click.echo(redact(shown.getvalue()), nl=False, err=True)
        return error.exit_code
    except MLPackageError as error:
        _print(error)
        return error.exit_status
    except BrokenPipeError:
        return reader_has_left()
    except OSError as error:  # a full disk or a missing permission: the system explains it best
        _print(MLPackageError(f"{error.filename}: {error.strerror}." if error.filename else f"{error}."))
        drop_what_is_not_written()
        return MLPackageError.exit_status
    return status if isinstance(status, int) else 0


def _print(error: MLPackageError) -> None:
    error.command = RUNNING.get()
    print_error(error)


class _RedactingFormatter(logging.Formatter):
    """Hide the secrets of URLs in what a library logs."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _print_any_character(*streams: TextIO) -> None:
    """Make a file name that the terminal's encoding cannot show print as escapes instead of failing."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _leave(number: int, _frame: Any) -> None:
    """Unwind the stack, so that processes are stopped and temporary folders are removed."""
    raise SystemExit(128 + number)
