"""`mlpackage plan --start`: start the script once on this machine, and rank what takes long."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.cli.output import answer, answer_json, say
from hatch_mlpackage.cli.serve import session
from hatch_mlpackage.cli.tables import draw_table
from hatch_mlpackage.cli.worker import find_python
from hatch_mlpackage.serve.copies import Copies
from hatch_mlpackage.serve.layout import serve_project, worker_python
from hatch_mlpackage.serve.start_times import StartTimes, measure_start

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

_SHOWN = 15  # imports
_REMEDY = "Name an interpreter that has the module (--python FILE), or install its package there."


def show_start(project: Project, python: str | None, *, as_json: bool) -> None:
    """Print how long the imports and init() of a project's script take with an interpreter."""
    interpreter = find_python(python) if python else worker_python(project.root, os.environ)
    with session() as top:
        serving = serve_project(project, top, Copies(say))
        times = measure_start(serving, str(Path(interpreter).absolute()), remedy=_REMEDY, report=say)
    if as_json:
        answer_json(asdict(times))
        return
    answer(f"Started in {times.total:.2f} s with {times.python}, of which init() took {times.init:.2f} s")
    if times.imports:
        draw_table(("import", "seconds", "of the start"), _rows(times))
        answer(
            "The time of an import includes all that it imports; what init() imports counts in the time of init() too."
        )


def _rows(times: StartTimes) -> list[tuple[str, str, str]]:
    """Return a row for each of the slowest imports, and one for all others."""
    shown = [(it.package, it.seconds) for it in times.imports[:_SHOWN]]
    others = times.imports[_SHOWN:]
    if others:
        shown.append((f"({len(others)} others)", sum(it.seconds for it in others)))
    return [(name, f"{seconds:.2f}", f"{seconds / times.total:.0%}") for name, seconds in shown]
