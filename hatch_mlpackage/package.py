"""A project with its configuration, its requirements and its files, checked: what the next steps work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.base_dockerfile import read_base_dockerfile
from hatch_mlpackage.conda import conda_names, read_conda, read_conda_lock, with_conda_pins
from hatch_mlpackage.config import GENERATED_SCRIPT, KEY, Config
from hatch_mlpackage.entry_script import EntryScript, read_entry_script
from hatch_mlpackage.errors import ConfigurationError, Problems
from hatch_mlpackage.lock import PACKAGES, Package as LockedPackage, Requirements, read_packages, read_requirements
from hatch_mlpackage.lock.header import with_header
from hatch_mlpackage.plan import (
    APP_DIRECTORY,
    ContextFile,
    base_files,
    model_files,
    runtime_files,
    source_files,
    text_file,
)
from hatch_mlpackage.read_config import read_config
from hatch_mlpackage.remote import fetched_model, remote_model_files
from hatch_mlpackage.replacements import replace_serving
from hatch_mlpackage.resources import runtime_directory
from hatch_mlpackage.target import SUPPORTED_PYTHONS
from hatch_mlpackage.wheels import not_sources, with_pylock

if TYPE_CHECKING:
    from hatch_mlpackage.base_dockerfile.stages import BaseDockerfile
    from hatch_mlpackage.lock.conda import CondaInputs
    from hatch_mlpackage.no_code import NoCode
    from hatch_mlpackage.project import Project

SAMPLE = "request.json"
# Keys whose files the lock does not depend on.
_NOT_IN_THE_LOCK = (f"{KEY}.entry-script", f"{KEY}.source-directory", f"{KEY}.models")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockInputs:
    """What a lock depends on, checked; the models and the entry script may still be missing."""

    project: Project
    config: Config
    requirements: Requirements
    conda: CondaInputs | None
    base_dockerfile: BaseDockerfile | None = None
    no_code: NoCode | None

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Package(LockInputs):
    """A project whose configuration and files were all checked: the next steps find nothing wrong with them."""

    script: EntryScript
    files: tuple[ContextFile, ...]


def default_destination(project: Project) -> Path:
    return project.root / "dist" / context_name(project)


def context_name(project: Project) -> str:
    return f"{project.name}-{project.version}-context"


def inspect_requirements(
    project: Project, *, conda_lock: str | None = None, models_lock: str | None = None
) -> LockInputs:
    """Check only what a lock depends on: a model may still have to be trained, with the very packages being locked.

    A model without an entry script is read: what it needs is what made it. `conda_lock` and `models_lock` are the texts
    of locks that are not written yet. Raises ConfigurationError.
    """
    problems = Problems()
    config = read_config(project, problems)
    no_code = _read_no_code(project, config, problems, models_lock)
    script = _read_script(project, config, no_code, Problems())  # what is wrong with it hinders no lock
    conda = read_conda(project, config, problems)
    requirements = _read_requirements(
        project, config, script=script, no_code=no_code, conda=conda, problems=problems, conda_lock=conda_lock
    )
    apart = _NOT_IN_THE_LOCK if config.no_code_model is None else ()
    hindering = tuple(problem for problem in problems.found if not problem.where.startswith(apart))
    if hindering:
        raise ConfigurationError(hindering)
    return LockInputs(
        project=project,
        config=config,
        requirements=requirements,
        conda=conda,
        base_dockerfile=_read_base_dockerfile(project, config),
        no_code=no_code,
    )


def inspect_project(project: Project) -> Package:
    """Check everything that needs no lock and no network.

    Raises ConfigurationError with every problem found.
    """
    problems = Problems()
    config = read_config(project, problems)
    no_code = _read_no_code(project, config, problems)
    script = _read_script(project, config, no_code, problems)
    conda = read_conda(project, config, problems)
    requirements = _read_requirements(project, config, script=script, no_code=no_code, conda=conda, problems=problems)
    supported = config.python_version in SUPPORTED_PYTHONS  # reported when the configuration was read
    dockerfile = _read_base_dockerfile(project, config)
    files = [
        *(base_files(project, dockerfile, problems) if dockerfile else ()),
        *_model_files(project, config, problems),
        *source_files(project, config, problems),
        *_generated_files(no_code),
        *(runtime_files(runtime_directory(), config.python_version, problems) if supported else ()),
    ]
    problems.raise_if_any()
    return Package(
        project=project,
        config=config,
        script=script,
        requirements=requirements,
        conda=conda,
        base_dockerfile=dockerfile,
        no_code=no_code,
        files=tuple(files),
    )


def _read_base_dockerfile(project: Project, config: Config) -> BaseDockerfile | None:
    with suppress(OSError, UnicodeDecodeError):  # told when the configuration was read
        if config.base_dockerfile:
            return read_base_dockerfile(project.root, config.base_dockerfile, config.platform)
    return None


def _model_files(project: Project, config: Config, problems: Problems) -> Iterator[ContextFile]:
    files = (*model_files(project, config, problems), *remote_model_files(project, config, problems))
    if config.image.models != "named-context":
        return iter(files)
    from hatch_mlpackage.named_contexts import leave_models  # noqa: PLC0415 - for the few projects that ask for it

    return leave_models(files, project, config, problems)


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
        from hatch_mlpackage.no_code import with_generated  # noqa: PLC0415 - was loaded to make `no_code`

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
    from hatch_mlpackage.no_code import read_no_code  # noqa: PLC0415 - projects with an entry script need none of it

    fetched = fetched_model(project, config, model, models_lock) if model.is_remote else None
    return read_no_code(project, config, fetched, problems)


def _generated_files(no_code: NoCode | None) -> Iterator[ContextFile]:
    """Yield the script that stands in for the user's, and a request that it takes."""
    if no_code is not None:
        yield text_file(f"{APP_DIRECTORY}/{GENERATED_SCRIPT}", no_code.script, layer="source")
        yield text_file(SAMPLE, no_code.sample, layer="build")


def _read_script(project: Project, config: Config, no_code: NoCode | None, problems: Problems) -> EntryScript:
    """Read the entry script; one that cannot be read is as one that says nothing, and is reported."""
    if no_code is not None:
        return read_entry_script(no_code.script.encode(), GENERATED_SCRIPT, problems) or EntryScript()
    path = project.root / config.entry_script
    try:
        return read_entry_script(path.read_bytes(), config.entry_script, problems) or EntryScript()
    except OSError:
        return EntryScript()  # the configuration has already said what is wrong with the path
