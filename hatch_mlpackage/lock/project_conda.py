"""Read a project's conda file, and make its lock.

`locks/conda-<platform>.lock` is the explicit lock. `locks/conda-file.json` records what was read in the conda file, so
that generating needs neither a YAML reader nor a solver while the file stays the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from packaging.requirements import Requirement

from hatch_mlpackage.errors import LockError, Problems
from hatch_mlpackage.files.read import file_bytes, real_path
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.conda.explicit import as_constraints
from hatch_mlpackage.lock.conda.inputs import CondaInputs, check_conda_python
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.project.config.check_base_image import check_same_python
from hatch_mlpackage.project.config.keys import DEFAULT_PYTHON, KEY, Config, parts_of_conda_file
from hatch_mlpackage.project.known_images import MICROMAMBA, official_image, server_image
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.project.target import OLD_PYTHONS, SUBDIRS

_TOO_OLD_FOR_RATTLER = ("3.6", "3.7", "3.8", "3.9")


def read_conda(project: Project, config: Config, locks: Locks, problems: Problems) -> CondaInputs | None:
    """Read the conda file; return None where the project has none, or where a problem was reported."""
    path, subdir = config.conda_file, SUBDIRS.get(config.platform)
    shown = parts_of_conda_file(path or "")[0]
    if not path or not subdir or not (project.root / shown).is_file():
        return None  # reported when the configuration was read
    from hatch_mlpackage.files.yaml_lines import has_yaml_reader  # noqa: PLC0415
    from hatch_mlpackage.lock.conda.reading import read_conda_file  # noqa: PLC0415 - loads the YAML reader
    from hatch_mlpackage.lock.conda.record import file_digest, read_record  # noqa: PLC0415

    try:
        content = file_bytes(project.root / shown)
    except OSError as error:
        problems.add(shown, f"the file cannot be read: {error.strerror}.", "Give a readable text file.")
        return None
    digest = file_digest(content, path)
    record = read_record(locks.conda_file, shown, digest)
    # Whoever changes the record can write its digest anew, so it only stands in for a YAML reader that is not there.
    file = record if record and not has_yaml_reader() else read_conda_file(content, path, subdir, problems)
    differs = record is not None and file is not None and record.asked != file.asked
    if file is None:
        return None
    is_chosen = "python-version" in project.table
    check_conda_python(file, config.python_version, problems, is_chosen=is_chosen)
    config = with_base_for_conda(config, file.kind, project)
    if file.kind != "pip":
        _check_image(config, problems)
    elif config.base_python != config.python_version:
        check_same_python(config, f"{KEY}.python-version", problems)
    channel = real_path(project.root / config.conda_channel) if config.conda_channel else None
    return CondaInputs(
        file=record if record and not differs else file,
        target=config.target,
        cuda=config.cuda or "",
        channel=channel,
        file_digest=digest,
        record_differs=differs,
    )


def with_base_for_conda(config: Config, kind: str, project: Project) -> Config:
    """Let the server have a current Python where nobody chose a base image, and conda brings the model's old one."""
    chosen = "base-image" in project.table or config.base_image != official_image(config.python_version)
    if kind == "pip" or config.python_version not in OLD_PYTHONS or chosen:
        return config
    server = config.server
    if server.base_image == server_image(config.base_image):
        server = replace(server, base_image=None)
    return replace(config, base_image=official_image(DEFAULT_PYTHON), server=server)


def _check_image(config: Config, problems: Problems) -> None:
    if config.target.libc == "musl":
        problems.add(
            f"{KEY}.base-image",
            f"'{config.base_image}' has musl, and conda's packages need the GNU C library.",
            "Use a Debian or Ubuntu base.",
        )
    if config.conda_mode == "vendored" and config.base_python in _TOO_OLD_FOR_RATTLER:
        problems.add(
            f"{KEY}.conda-mode",
            f"'vendored' needs Python 3.10 or later in the image, not {config.base_python}: "
            "py-rattler installs the packages and runs on it.",
            'Use conda-mode = "micromamba".',
        )
    if config.wheelhouse and config.conda_channel is None:
        problems.add(
            f"{KEY}.wheelhouse",
            "is not all that the build needs: conda's packages are fetched when the image is built.",
            'Set conda-mode = "vendored" and a conda-channel, or remove it.',
        )


def conda_names(conda: CondaInputs | None) -> tuple[str, ...]:
    """Return the names of the packages that the conda file asks for."""
    lines = conda.file.specs if conda else ()
    return tuple(match[1] for line in lines if (match := re.match(r"(?:[^\s\[]*::)?([\w.-]+)", line.text)))


def with_conda_pins(requirements: Requirements, locks: Locks) -> Requirements:
    """Limit pip to the versions that conda installs, except for the packages that the project asks pip for by name."""
    try:
        pins = as_constraints(locks.conda_packages)
    except LockError:
        return requirements  # check_project_conda reports it
    asked = {Requirement(text).name for text in requirements.requirements}
    limits = {pin for pin in pins if Requirement(pin).name not in asked}
    return replace(requirements, constraints=tuple(sorted({*requirements.constraints, *limits})))


def lock_conda(
    config: Config, conda: CondaInputs | None, locks: Locks, *, upgrade: bool, report: Callable[[str], None]
) -> Locks:
    """Return the locks with those of conda made anew; the same locks where the project has no conda file.

    Raises LockError where there is no solution, UnavailableError where a channel cannot be read.
    """
    if conda is None:
        return locks
    from hatch_mlpackage.lock.conda.record import write_record  # noqa: PLC0415
    from hatch_mlpackage.lock.conda.solve import make_conda_lock  # noqa: PLC0415

    for note in conda.notes:
        report(note)
    made = replace(locks, conda_file=write_record(conda.file, conda.file_digest).encode())
    if conda.file.kind != "pip":
        made = replace(made, conda=make_conda_lock(conda, previous=locks.conda, upgrade=upgrade, report=report))
        report(f"Locked {len(made.conda_packages)} conda packages in {config.conda_lock_path}.")
    return made


def conda_values(config: Config, conda: CondaInputs | None) -> dict[str, Any] | None:
    """Return what the Dockerfile says about conda; None where pip alone makes the environment."""
    if conda is None or conda.file.kind == "pip":
        return None
    return {
        "channel": conda.channel is not None,
        "image": config.conda_image or MICROMAMBA,
        "lock": f"conda-{conda.subdir}.lock",
    }
