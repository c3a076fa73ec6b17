"""Make the parts of a package: its locks, which the workspace keeps, its context and its image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hatch_mlpackage.azureml.local.workspace_folder import held
from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.errors import UnavailableError
from hatch_mlpackage.lock.check_locks import check_project_conda, check_project_lock
from hatch_mlpackage.lock.inputs import LockInputs, inspect_requirements
from hatch_mlpackage.lock.pins.header import inputs_digest
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.serve.container import build_command, execute, find_engine

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

Report = Callable[[str], None]


def make_context(project: Project, workspace: Path, destination: Path, log: IO[bytes]) -> None:
    """Lock a staged project and write its context.

    Raises ConfigurationError, LockError, ContextError or UnavailableError.
    """
    report = _report_to(log)
    _lock(project, workspace, report)
    manifest = build_context(project, destination, warn=report)
    report(f"Wrote the build context, {manifest.digest}.")


def _report_to(log: IO[bytes]) -> Report:
    def report(text: str) -> None:
        log.write(f"{text}\n".encode())

    return report


def _lock(project: Project, workspace: Path, report: Report) -> None:
    """Lock a staged project over the network, or reuse the workspace's locks of the same inputs without it."""
    inputs = inspect_requirements(project)
    kept = workspace / "locks" / _digest(inputs)
    with held(kept):
        (project.root / inputs.config.lock_directory).symlink_to(kept, target_is_directory=True)
        inputs = inspect_requirements(project)  # again, now that kept pins of conda limit those of pip
        if check_project_lock(inputs).usable and check_project_conda(inputs).usable:
            report(f"Using the locks in {kept}, which were made from the same inputs.")
        else:
            lock_project(project, report=report, follow=True)  # the link is the one made above


def _digest(inputs: LockInputs) -> str:
    """Hash everything that a lock depends on."""
    config, conda = inputs.config, inputs.conda.file if inputs.conda else None
    parts = (
        inputs_digest(inputs.requirements, config.target),
        config.base_image,
        [conda.kind, conda.channels, [spec.text for spec in conda.specs]] if conda else None,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def build_staged_image(context: Path, name: str, log: IO[bytes], engine: str | None = None) -> None:
    """Build the image with the named engine, or with the first one that works here.

    Raises UnavailableError where no engine works, or where the build fails.
    """
    report = _report_to(log)
    engine = find_engine(engine, report=report)
    status = execute(build_command(engine, context, tag=name), report=report, output=log)
    if status:
        raise UnavailableError(f"{engine} build ended with status {status}; package.get_logs() returns its output.")
