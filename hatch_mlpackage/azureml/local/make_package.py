"""Make what a package is: locks, which the workspace keeps, a context, and an image where an engine is to build one."""

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


def lock_staged(project: Project, workspace: Path, report: Report) -> None:
    """Lock a staged project with the network, or take the locks of the same inputs, without it.

    Raises ConfigurationError, LockError or UnavailableError.
    """
    inputs = inspect_requirements(project)
    kept = workspace / "locks" / _digest(inputs)
    with held(kept):
        (project.root / inputs.config.lock_directory).symlink_to(kept, target_is_directory=True)
        inputs = inspect_requirements(project)  # with what is kept: conda's pins limit pip's
        if check_project_lock(inputs).usable and check_project_conda(inputs).usable:
            report(f"Taking the locks in {kept}, which were made of the same inputs.")
        else:
            lock_project(project, report=report)


def _digest(inputs: LockInputs) -> str:
    """Hash all that a lock depends on."""
    config, conda = inputs.config, inputs.conda.file if inputs.conda else None
    asked = (
        inputs_digest(inputs.requirements, config.target),
        config.base_image,
        [conda.kind, conda.channels, [spec.text for spec in conda.specs]] if conda else None,
    )
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def write_context(project: Project, destination: Path, report: Report) -> None:
    """Write the context of a locked project.

    Raises ConfigurationError, LockError or ContextError.
    """
    manifest = build_context(project, destination, warn=report)
    report(f"Wrote the build context, {manifest.digest}.")


def build_image(context: Path, name: str, log: IO[bytes], report: Report, engine: str | None = None) -> None:
    """Build the image with an engine, the first one that there is unless it is named.

    Raises UnavailableError where there is none, or where it fails.
    """
    engine = find_engine(engine)
    status = execute(build_command(engine, context, tag=name), report=report, output=log)
    if status:
        raise UnavailableError(f"{engine} build ended with status {status}; package.get_logs() has what it said.")
