"""Print answers and results to stdout, progress to stderr, and colours and bars on terminals only.

Every text passes through `redact` on its way out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hatch_mlpackage.cli.given_flags import as_advised
from hatch_mlpackage.redaction import redact

if TYPE_CHECKING:
    from rich.console import Console

    from hatch_mlpackage.context.plan import ContextFile
    from hatch_mlpackage.context.write.read import Progress

QUIET = "hatch_mlpackage.quiet"
PLAIN: ContextVar[bool] = ContextVar("plain", default=False)  # outlives click's context: errors are printed after it
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as shells report it
_MOST_SHOWN = 20  # changes
_BIG = 32 << 20  # bytes; a smaller file is written before anyone could read a bar


def say(text: str) -> None:
    """Print progress to stderr, unless quiet, with the flags of the project in the commands that it advises."""
    if not is_quiet():
        click.echo(redact(as_advised(text)), err=True)


def warn(text: str) -> None:
    say(f"Warning: {text}")


def show(text: str) -> None:
    """Print a result to stdout, unless quiet: the exit status says the same."""
    if not is_quiet():
        click.echo(redact(text))


def answer(text: str) -> None:
    """Print what the user asked for to stdout, even when quiet."""
    click.echo(redact(text))


def answer_json(value: Any) -> None:
    click.echo(json.dumps(_redacted(value), indent=2, ensure_ascii=False, default=str))


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list | tuple) else value


def console(*, stderr: bool = False) -> Console:
    from rich.console import Console  # noqa: PLC0415 - rich costs start-up time and draws on terminals only

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


@contextmanager
def writing() -> Iterator[Progress]:
    """Yield a callback for `build_context` that draws a bar with bytes, rate and time left for each big file."""
    if is_quiet() or not on_terminal(stderr=True):
        yield lambda _file, _written: None
        return
    from rich import progress  # noqa: PLC0415 - for terminals only

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console(stderr=True), transient=True) as bars:
        tasks: dict[str, progress.TaskID] = {}

        def advance(file: ContextFile, written: int) -> None:
            if file.size < _BIG:
                return
            if file.path not in tasks:
                tasks[file.path] = bars.add_task(file.path, total=file.size)
            bars.advance(tasks[file.path], written)

        yield advance


def on_terminal(*, stderr: bool = False) -> bool:
    """Tell whether the output goes to a terminal that can draw, and the user did not ask for plain text."""
    stream = sys.stderr if stderr else sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not PLAIN.get()


def reader_has_left() -> int:
    """Return the exit status for a pipe whose reader has gone."""
    drop_what_is_not_written()
    return _BROKEN_PIPE


def drop_what_is_not_written() -> None:
    """Let the interpreter's last flush succeed when stdout takes no more output; it would print a complaint."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_quiet() -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(QUIET))


def size(count: int) -> str:
    """Write a number of bytes for people: `1.4 MB`."""
    amount = float(count)
    for unit in _UNITS:
        if amount < _STEP or unit == _UNITS[-1]:
            break
        amount /= _STEP
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def from_here(path: Path) -> Path:
    """Make a path below the current folder relative to it; other paths stay as they are."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def shorten(lines: Sequence[str], *, indent: str) -> list[str]:
    """Keep the first lines of a long list of changes, and count the rest in a line of its own."""
    more = len(lines) - _MOST_SHOWN
    return [*lines[:_MOST_SHOWN], *([f"{indent}and {plural(more, 'more change')}"] if more > 0 else [])]
