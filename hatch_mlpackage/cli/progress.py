"""Show the progress of writing big files, on terminals only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hatch_mlpackage.cli.output import console, is_quiet, on_terminal

if TYPE_CHECKING:
    from hatch_mlpackage.context.plan import ContextFile
    from hatch_mlpackage.context.write.read import Progress

_BIG = 32 << 20  # bytes; a smaller file is written before anyone could read a bar


@contextmanager
def writing() -> Iterator[Progress]:
    """Yield a callback for `build_context` that draws a bar with bytes, rate and time left for each big file."""
    if is_quiet() or not on_terminal(stderr=True):
        yield _draw_nothing
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


def _draw_nothing(file: ContextFile, written: int) -> None:
    del file, written
