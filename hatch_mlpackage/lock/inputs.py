"""Read what a lock depends on: the configuration, the requirements, the conda file, the images of the Dockerfile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import ConfigurationError, Problems
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.asked.script_needs import replace_serving
from hatch_mlpackage.lock.conda.of_project import (
    conda_names,
    conda_values,
    read_conda,
    read_conda_lock,
    with_conda_pins,
)
from hatch_mlpackage.lock.models.of_project import fetched_model
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.pins.packages import PACKAGES, LockedPackage, read_packages
from hatch_mlpackage.project.config.keys import GENERATED_SCRIPT, KEY, Config
from hatch_mlpackage.project.dockerfiles.base import read_base_dockerfile
from hatch_mlpackage.project.read_config import read_config
from hatch_mlpackage.project.sources.entry_script import EntryScript, read_entry_script

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problem
    from hatch_mlpackage.lock.conda.inputs import CondaInputs
    from hatch_mlpackage.project.dockerfiles.base_stages import BaseDockerfile
    from hatch_mlpackage.project.no_code import NoCode
    from hatch_mlpackage.project.pyproject import Project

# Keys whose files the lock does not depend on.
_NOT_IN_THE_LOCK = (f"{KEY}.entry-script", f"{KEY}.source-directory", f"{KEY}.models")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockInputs:
    """What a lock depends on, checked; the models and the entry script may still be missing."""

    project: Project
    config: Config
    requirements: Requirements
    conda: CondaInputs | None
    base_dockerfile: BaseDockerfile | None
    no_code: NoCode | None
    script: EntryScript

    def hindering(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return the problems that stand in the way of a lock: a model may be missing, and a script unfinished."""
        apart = (*_NOT_IN_THE_LOCK, f"{self.config.entry_script}:") if self.config.no_code_model is None else ()
        return tuple(problem for problem in problems if not problem.where.startswith(apart))

    @property
    def lock_path(self) -> Path:
        return self.project.root / self.config.lock_path

    def read_lock(self) -> str | None:
        """Return the lock's text, None where there is no file; where the image brings its packages it is empty."""
        if self.config.user_managed_dependencies:
            return with_header("", Requirements(), self.config.target)
        try:
            return self.lock_path.read_text(encoding="utf-8", errors="replace")  # what is no text is told as damaged
        except FileNotFoundError:
            return None

    @property
    def packages_path(self) -> Path:
        return self.lock_path.with_name(PACKAGES)

    def read_packages(self) -> tuple[LockedPackage, ...]:
        """Return what the lock pins, with what was kept of it; nothing where there is no lock."""
        return read_packages(self.read_lock() or "", self.packages_path)

    @property
    def has_conda_lock(self) -> bool:
        return self.conda is not None and self.conda.file.kind != "pip"

    @property
    def conda_lock_path(self) -> Path:
        return self.project.root / self.config.conda_lock_path

    @property
    def image_name(self) -> str:
        """The configured name, with the project's version where it has no tag; no tag may hold a `+`."""
        name, version = self.config.image.name, self.project.version.replace("+", "-")
        return name if ":" in name.rpartition("/")[2] else f"{name}:{version}"

    @property
    def base_image_path(self) -> Path:
        return self.project.root / self.config.base_image_path


def inspect_requirements(
    project: Project, *, conda_lock: str | None = None, models_lock: str | None = None
) -> LockInputs:
    """Check only what a lock depends on: a model may still have to be trained, with the very packages being locked.

    A model without an entry script is read: what it needs is what made it. `conda_lock` and `models_lock` are the texts
    of locks that are not written yet. Raises ConfigurationError.
    """
    problems = Problems()
    inputs = read_inputs(project, problems, conda_lock=conda_lock, models_lock=models_lock)
    hindering = inputs.hindering(problems.found)
    if hindering:
        raise ConfigurationError(hindering)
    return inputs


def read_inputs(
    project: Project, problems: Problems, *, conda_lock: str | None = None, models_lock: str | None = None
) -> LockInputs:
    """Read all that decides the locks and the image, and add every problem; the result is sound where there is none."""
    config = read_config(project, problems)
    no_code = _read_no_code(project, config, problems, models_lock)
    script = _read_script(project, config, no_code, problems)
    conda = read_conda(project, config, problems)
    requirements = _read_requirements(
        project, config, script=script, no_code=no_code, conda=conda, problems=problems, conda_lock=conda_lock
    )
    return LockInputs(
        project=project,
        config=config,
        requirements=requirements,
        conda=conda,
        base_dockerfile=_read_base_dockerfile(project, config),
        no_code=no_code,
        script=script,
    )


def images_of(inputs: LockInputs) -> tuple[str, ...]:
    """List the images that stages of the Dockerfile start from, as they are named: the base image, then the others."""
    config = inputs.config
    conda = conda_values(config, inputs.conda)
    others = [conda["image"]] if conda and config.conda_mode == "micromamba" else []
    named = [image for _, image in inputs.base_dockerfile.images] if inputs.base_dockerfile else []
    return tuple(dict.fromkeys((config.base_image, *named, *others)))


def _read_requirements(
    project: Project,
    config: Config,
    *,
    script: EntryScript,
    no_code: NoCode | None,
    conda: CondaInputs | None,
    problems: Problems,
    conda_lock: str | None = None,
) -> Requirements:
    if config.user_managed_dependencies:
        return Requirements()
    requirements = read_requirements(
        project.root,
        (*config.requirements, *(no_code.files if no_code else ())),
        config.dependencies or (),
        problems,
        f"{KEY}.dependencies" if "dependencies" in project.table else "project.dependencies",
        left_out=not_sources(project.root, config),
        listed=(conda.file.path, conda.file.pip) if conda else ("", ()),
    )
    if no_code is not None:
        from hatch_mlpackage.lock.asked.model_needs import with_generated  # noqa: PLC0415 - few projects lack a script

        inline = config.dependencies or ()
        requirements = with_generated(requirements, no_code, inline=inline, conda=conda_names(conda))
    requirements = replace_serving(requirements, script)
    if conda is None or conda.file.kind == "pip":
        return with_pylock(requirements, project, config)
    return with_conda_pins(requirements, conda_lock or read_conda_lock(project, config))


def _read_no_code(
    project: Project, config: Config, problems: Problems, models_lock: str | None = None
) -> NoCode | None:
    model = config.no_code_model
    if model is None:
        return None
    from hatch_mlpackage.project.no_code import read_no_code  # noqa: PLC0415 - projects with an entry script need none of it

    fetched = fetched_model(project, config, model, models_lock) if model.is_remote else None
    return read_no_code(project, config, fetched, problems)


def _read_script(project: Project, config: Config, no_code: NoCode | None, problems: Problems) -> EntryScript:
    """Read the entry script; one that cannot be read is as one that says nothing, and is reported."""
    if no_code is not None:
        return read_entry_script(no_code.script.encode(), GENERATED_SCRIPT, problems) or EntryScript()
    path = project.root / config.entry_script
    try:
        return read_entry_script(path.read_bytes(), config.entry_script, problems) or EntryScript()
    except OSError:
        return EntryScript()  # the configuration has already said what is wrong with the path


def _read_base_dockerfile(project: Project, config: Config) -> BaseDockerfile | None:
    with suppress(OSError, UnicodeDecodeError):  # told when the configuration was read
        if config.base_dockerfile:
            return read_base_dockerfile(project.root, config.base_dockerfile, config.platform)
    return None


def not_sources(root: Path, config: Config) -> frozenset[Path]:
    """Return what is below the project's root, and no part of the wheel that is made of it."""
    return frozenset((root / path).resolve() for path in (config.lock_directory, *(it.path for it in config.models)))


def with_pylock(requirements: Requirements, project: Project, config: Config) -> Requirements:
    """Add the digest of the pylock.toml that a lock is selected from, the same with either kind of line ends."""
    if config.pylock is None or not (project.root / config.pylock).is_file():
        return requirements  # what is wrong with the path was reported when the configuration was read
    content = (project.root / config.pylock).read_bytes().replace(b"\r\n", b"\n")
    return replace(requirements, pylock=(config.pylock, f"sha256:{hashlib.sha256(content).hexdigest()}"))
