"""Export a project's uv.lock as a `pylock.toml`, with uv itself: it alone knows which entries a project needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.resolve.task import Task, first_lines, run
from hatch_mlpackage.lock.resolve.uv import find_uv, reason_of
from hatch_mlpackage.project.target import Target

_OUTPUT = "pylock.toml"
_LONGEST_REASON = 8  # lines
_FLAGS = (
    "--quiet",
    "--color=never",
    "--offline",
    "--frozen",
    "--format=pylock.toml",
    "--no-default-groups",
    "--no-emit-project",
    "--no-header",
    "--no-python-downloads",
)


def export_uv_lock(path: Path, target: Target, *, report: Callable[[str], None]) -> bytes:
    """Return what uv exports of the lock at a path: the packages of the project, without its groups and extras.

    Raises LockError where uv is not installed or cannot read the lock, UnavailableError where it cannot be run.
    """
    uv = find_uv()
    if uv is None:
        raise LockError(f'{path.name} is read with uv. Install it with: pip install "hatch-mlpackage[cli]"')
    try:
        with TemporaryDirectory(prefix="mlpackage-export-") as folder:
            task = Task(folder=Path(folder), requirements=Requirements(), target=target, upgrade=False, report=report)
            command = [uv, "export", *_FLAGS, f"--project={path.parent.absolute()}", f"--output-file={_OUTPUT}"]
            outcome = run(command, os.environ, task, doing="exporting")
            if outcome.status:
                raise LockError(
                    f"{path.name} cannot be exported:\n{first_lines(reason_of(outcome), _LONGEST_REASON)}\n"
                    'Write it anew with `uv lock`, or resolve the requirements anew with pylock = "none".'
                )
            return file_bytes(task.folder / _OUTPUT)
    except OSError as error:
        raise UnavailableError(f"uv could not be run in a temporary folder: {error.strerror}.") from error
