"""Read what a lock depends on: the configuration, the requirements, the conda file, the images of the Dockerfile."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from hatch_mlpackage.errors import ConfigurationError, Problem, Problems
from hatch_mlpackage.files.read import file_bytes, real_path
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.asked.script_needs import replace_serving, with_generated
from hatch_mlpackage.lock.conda.inputs import CondaInputs
from hatch_mlpackage.lock.locks import Locks, read_locks
from hatch_mlpackage.lock.project_conda import (
    conda_names,
    conda_values,
    read_conda,
    with_base_for_conda,
    with_conda_pins,
)
from hatch_mlpackage.lock.project_models import fetched_model
from hatch_mlpackage.project.config.keys import GENERATED_SCRIPT, KEY, Config
from hatch_mlpackage.project.other_tools.named import Named
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.project.read_config import Declaration, read_declaration
from hatch_mlpackage.project.sources.entry_script import EntryScript, read_entry_script
from hatch_mlpackage.project.target import OLD_PYTHONS, SUPPORTED_PYTHONS

if TYPE_CHECKING:
    from hatch_mlpackage.project.dockerfiles.base_stages import BaseDockerfile
    from hatch_mlpackage.project.no_code.generated import NoCode

# Keys whose files the lock does not depend on.
_NOT_IN_THE_LOCK = (f"{KEY}.entry-script", f"{KEY}.source-directory", f"{KEY}.models")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockInputs:
    """Everything that the locks depend on, checked; the models and the entry script may still be missing."""

    project: Project
    config: Config
    named: Named
    requirements: Requirements
    conda: CondaInputs | None
    base_dockerfile: BaseDockerfile | None
    extra_steps: str
    no_code: NoCode | None
    script: EntryScript
    locks: Locks

    def hindering(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return the problems that prevent a lock; a missing model or an unfinished script does not.

        A model that is declared by URL is fetched by the lock, and so does not count as missing.
        """
        apart = (*_NOT_IN_THE_LOCK, f"{self.config.entry_script}:") if self.config.no_code_model is None else ()
        fetched = tuple(f"{KEY}.models[{index}]" for index, model in enumerate(self.config.models) if model.is_remote)
        return tuple(
            problem for problem in problems if problem.where.startswith(fetched) or not problem.where.startswith(apart)
        )

    @property
    def lock_path(self) -> Path:
        return self.project.root / self.config.lock_path

    @property
    def has_conda_lock(self) -> bool:
        return self.conda is not None and self.conda.file.kind != "pip"

    @property
    def has_old_pip(self) -> bool:
        """Whether the context brings pip: the one that an old Python carries does not know the last of its wheels."""
        return self.config.python_version in OLD_PYTHONS and not self.config.user_managed_dependencies

    @property
    def conda_lock_path(self) -> Path:
        return self.project.root / self.config.conda_lock_path

    @property
    def image_name(self) -> str:
        """The configured name, with the project's version as its tag where it has none; no tag may hold `+` or `!`."""
        name, version = self.config.image.name, re.sub(r"[+!]", "-", self.project.version)
        return name if ":" in name.rpartition("/")[2] else f"{name}:{version}"


def inspect_requirements(project: Project, *, locks: Locks | None = None) -> LockInputs:
    """Check only what a lock depends on: a model may still have to be trained, with the packages that are being locked.

    A model without an entry script is read, because it decides the requirements. `locks`, where given, are used in
    place of the lock files. Raises ConfigurationError.
    """
    problems = Problems()
    inputs = read_inputs(project, problems, locks=locks)
    hindering = inputs.hindering(problems.found)
    if hindering:
        raise ConfigurationError(hindering)
    return inputs


def read_inputs(project: Project, problems: Problems, *, locks: Locks | None = None) -> LockInputs:
    """Read everything that decides the locks and the image; use the result only where no problem was added."""
    declared = read_declaration(project, problems)
    config = declared.config
    locks = locks or read_locks(project.root, config, problems)
    no_code = _read_no_code(project, config, locks, problems)
    script = _read_script(project, config, no_code, problems)
    conda = read_conda(project, config, locks, problems)
    config = with_base_for_conda(config, conda.file.kind, project) if conda else config
    requirements = _read_requirements(
        project, declared, script=script, no_code=no_code, conda=conda, locks=locks, problems=problems
    )
    return LockInputs(
        project=project,
        config=config,
        named=declared.named,
        requirements=requirements,
        conda=conda,
        base_dockerfile=declared.base_dockerfile,
        extra_steps=declared.extra_steps,
        no_code=no_code,
        script=script,
        locks=locks,
    )


def images_of(inputs: LockInputs) -> tuple[str, ...]:
    """List the images that the stages of the Dockerfile start from, as the project names them, the base image first."""
    config = inputs.config
    conda = conda_values(config, inputs.conda)
    others = [conda["image"]] if conda and config.conda_mode == "micromamba" else []
    named = [image for _, image in inputs.base_dockerfile.images] if inputs.base_dockerfile else []
    server = [config.server.base_image] if config.server.base_image else []
    return tuple(dict.fromkeys((config.base_image, *named, *others, *server)))


def _read_requirements(
    project: Project,
    declared: Declaration,
    *,
    script: EntryScript,
    no_code: NoCode | None,
    conda: CondaInputs | None,
    locks: Locks,
    problems: Problems,
) -> Requirements:
    config = declared.config
    if config.user_managed_dependencies:
        return Requirements(notes=declared.notes)
    requirements = read_requirements(
        project.root,
        (*config.requirements, *(no_code.files if no_code else ())),
        config.dependencies or (),
        problems,
        [asked.where for asked in declared.named.asked],
        left_out=paths_outside_the_wheel(project.root, config),
        listed=(conda.file.path, conda.file.pip) if conda else ("", ()),
    )
    if no_code is not None:
        inline = config.dependencies or ()
        requirements = with_generated(requirements, no_code, inline=inline, conda=conda_names(conda))
    named = tuple(sorted({canonicalize_name(name) for name in config.build_from_source}))
    requirements = replace(requirements, built=named, notes=(*declared.notes, *requirements.notes))
    if conda is None or conda.file.kind == "pip":
        return with_pylock(replace_serving(requirements, script), config, locks)
    # What the script needs beside them comes last, so that conda's versions limit it too.
    return replace_serving(with_conda_pins(requirements, locks), script, conda=conda_names(conda))


def _read_no_code(project: Project, config: Config, locks: Locks, problems: Problems) -> NoCode | None:
    model = config.no_code_model
    if model is None:
        return None
    from hatch_mlpackage.project.no_code.read import read_no_code  # noqa: PLC0415 - projects with an entry script need none of it

    fetched = fetched_model(model, locks) if model.is_remote else None
    return read_no_code(project, config, fetched, problems)


def _read_script(project: Project, config: Config, no_code: NoCode | None, problems: Problems) -> EntryScript:
    """Read the entry script; a script that cannot be read, which is reported elsewhere, has an empty description."""
    if no_code is not None:
        return read_entry_script(no_code.script.encode(), GENERATED_SCRIPT, problems) or EntryScript()
    path = project.root / config.entry_script
    # Any other version was reported when the configuration was read.
    python = config.python_version if config.python_version in SUPPORTED_PYTHONS else ""
    try:
        return read_entry_script(file_bytes(path), config.entry_script, problems, python=python) or EntryScript()
    except OSError:
        return EntryScript()  # the configuration has already said what is wrong with the path


def paths_outside_the_wheel(root: Path, config: Config) -> frozenset[Path]:
    """Return the paths below the project's root that do not belong in a wheel that is built from it."""
    return frozenset(real_path(root / path) for path in (config.lock_directory, *(it.path for it in config.models)))


def with_pylock(requirements: Requirements, config: Config, locks: Locks) -> Requirements:
    """Add the digest of the pylock.toml that a lock is selected from; line ends do not count."""
    if config.pylock is None or locks.pylock is None:
        return requirements
    content = locks.pylock.replace(b"\r\n", b"\n")
    return replace(requirements, pylock=(config.pylock, f"sha256:{hashlib.sha256(content).hexdigest()}"))
