"""Check a project with its configuration, requirements and files, for the next steps to work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.context.locked_files import remote_model_files
from hatch_mlpackage.context.named_contexts import leave_models
from hatch_mlpackage.context.plan import APP_DIRECTORY, ContextFile, text_file
from hatch_mlpackage.context.project_files import base_files, model_files, runtime_files, source_files
from hatch_mlpackage.errors import ConfigurationError, Problem, Problems
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.files.resources import runtime_directory, server_lock_path
from hatch_mlpackage.lock.inputs import LockInputs, read_inputs
from hatch_mlpackage.project.config.keys import GENERATED_SCRIPT
from hatch_mlpackage.project.pyproject import Project

if TYPE_CHECKING:
    from hatch_mlpackage.project.no_code.generated import NoCode

SAMPLE = "request.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Package(LockInputs):
    """A project whose configuration and files were checked and found sound."""

    files: tuple[ContextFile, ...]


def default_destination(project: Project) -> Path:
    return project.root / "dist" / context_name(project)


def context_name(project: Project) -> str:
    return f"{project.name}-{project.version}-context"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """The result of a check: `inputs` is None where a problem prevents a lock, `package` where there is any problem."""

    problems: tuple[Problem, ...]
    inputs: LockInputs | None
    package: Package | None


def inspect_project(project: Project) -> Package:
    """Check everything that needs no lock and no network.

    Raises ConfigurationError with every problem found.
    """
    found = inspect_all(project)
    if found.package is None:
        raise ConfigurationError(found.problems)
    return found.package


def inspect_all(project: Project) -> Inspected:
    """Check everything that needs no lock and no network, and return the problems with what is sound."""
    problems = Problems()
    inputs = read_inputs(project, problems)
    may_lock = not inputs.hindering(problems.found)
    files = _files(inputs, problems)
    read = {field.name: getattr(inputs, field.name) for field in fields(inputs)}
    return Inspected(
        problems=problems.found,
        inputs=inputs if may_lock else None,
        package=None if problems.found else Package(**read, files=files),
    )


def _files(inputs: LockInputs, problems: Problems) -> tuple[ContextFile, ...]:
    project, config, dockerfile = inputs.project, inputs.config, inputs.base_dockerfile
    python = config.server_target.python
    supported = server_lock_path(runtime_directory(), python).is_file()  # reported when the configuration was read
    return (
        *(base_files(project, dockerfile, problems) if dockerfile else ()),
        *_model_files(inputs, problems),
        *(_as_checked(file, inputs) for file in source_files(project, config, problems)),
        *_generated_files(inputs.no_code),
        *(runtime_files(runtime_directory(), python, problems) if supported else ()),
    )


def _as_checked(file: ContextFile, inputs: LockInputs) -> ContextFile:
    """Use the bytes of a source that are checked, even if its file changes meanwhile."""
    if not isinstance(file.source, Path) or file.source.suffix != ".py":
        return file
    is_script = file.source == inputs.project.root / inputs.config.entry_script
    try:
        content = (is_script and inputs.script.source) or file_bytes(file.source)
    except OSError:
        return file  # reported when it is written
    return replace(file, source=content, size=len(content), origin=file.source)


def _model_files(inputs: LockInputs, problems: Problems) -> Iterator[ContextFile]:
    project, config = inputs.project, inputs.config
    files = (*model_files(project, config, problems), *remote_model_files(inputs, problems))
    if config.image.models != "named-context":
        return iter(files)
    return leave_models(files, project, config, problems)


def _generated_files(no_code: NoCode | None) -> Iterator[ContextFile]:
    """Yield the generated entry script and a sample request for it."""
    if no_code is not None:
        yield text_file(f"{APP_DIRECTORY}/{GENERATED_SCRIPT}", no_code.script, layer="source")
        yield text_file(SAMPLE, no_code.sample, layer="build")
