"""Check everything about a project that can be checked without a network, in one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from hatch_mlpackage.context.build import (
    BASE_IMAGE,
    as_errors,
    base_image_problem,
    doubtful_files,
    finished,
    plan_files,
)
from hatch_mlpackage.context.model_versions import model_problems
from hatch_mlpackage.context.package import Package, inspect_all
from hatch_mlpackage.context.package_sources import image_environment, source_problems
from hatch_mlpackage.context.plan import ContextPlan
from hatch_mlpackage.context.project_files import ignored_files
from hatch_mlpackage.context.user_files import pattern_of
from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem, Problems
from hatch_mlpackage.lock.check_locks import check_project_conda, check_project_images, check_project_lock, other_cuda
from hatch_mlpackage.lock.inputs import LockInputs, images_of
from hatch_mlpackage.project.config.keys import IN_PLACE, KEY
from hatch_mlpackage.project.known_images import ended_support, official_image, what_old_means
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.project.target import OLD_PYTHONS

IGNORED = "ignored-file"
OLD_PYTHON = "old-python"
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """The problems found; `package` and `plan`, that of the finished context, are None where an error prevents them."""

    problems: tuple[Problem, ...]
    package: Package | None = None
    plan: ContextPlan | None = None


def check_project(project: Project) -> Checked:
    """Check the configuration, the files, the locks, the base image and the sources, and return every problem."""
    found = inspect_all(project)
    package, inputs = found.package, found.package or found.inputs
    problems = [*found.problems, *imported_problems(project)]
    if inputs and inputs.no_code:
        problems += [Problem(where=f"{KEY}.models[0]", what=note, level="hint") for note in inputs.no_code.notes]
    locked = list(_lock_problems(inputs)) if inputs else []
    problems += locked
    if inputs and not locked:
        problems += image_problems(inputs)
    if package:
        problems += doubtful_files(package)
        problems += [*source_problems(package, locked=not locked), *_ignored(package)]
        problems += model_problems(package, None if locked else _installed(package))
    if inputs and inputs.config.strict:
        problems = [*as_errors(problems)]
    if package is None or any(problem.level == "error" for problem in problems):
        return Checked(problems=tuple(problems), package=package)
    try:
        plan = finished(package, plan_files(package, check_project_images(package)))
        return Checked(problems=tuple(problems), package=package, plan=plan)
    except MLPackageError as error:
        return Checked(problems=(*problems, *problems_of(error)), package=package)


def problems_of(error: MLPackageError) -> tuple[Problem, ...]:
    """Return the problems that an error reports, or one problem with the error's text."""
    if isinstance(error, ConfigurationError):
        return error.problems
    return (Problem(where="", what=str(error), code=error.code),)


def image_problems(inputs: LockInputs) -> Iterator[Problem]:
    """Warn of base images that are not pinned, no longer maintained, or made for another CUDA than the wheels."""
    for state in check_project_images(inputs):
        if said := state.describe():
            yield base_image_problem(said)
    yield from _ended(inputs, date.today())  # noqa: DTZ011 - the ends are no more exact
    for said in other_cuda(inputs):
        yield Problem(where=f"{KEY}.cuda", what=said, level="warning", code=BASE_IMAGE)


def _ended(inputs: LockInputs, today: date) -> Iterator[Problem]:
    """Warn of what gets no more updates, and of an old Python once, because no image of it does."""
    python, base_python = inputs.config.python_version, inputs.config.base_python
    if python in OLD_PYTHONS:
        yield Problem(
            where=f"{KEY}.python-version",
            what=f"Python {python} {what_old_means(python)}.",
            fix="Save the model anew for a newer Python when you can.",
            level="warning",
            code=OLD_PYTHON,
        )
    unavoidable = official_image(base_python) if base_python in OLD_PYTHONS else ""
    for image in images_of(inputs):
        if said := ended_support(image, today, unavoidable):
            yield base_image_problem(f"{said} Choose another base-image.")


def _ignored(package: Package) -> Iterator[Problem]:
    """Yield a hint with the first files of the source tree that git ignores."""
    found = tuple(ignored_files(package.project, package.config))
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        yield Problem(
            where=f"{KEY}.source-directory",
            what=f"git ignores {', '.join(found[:_SHOWN])}{more}, and the image does not get what git ignores.",
            fix=f"If the script needs it: include = [{pattern_of(found[0])}].",
            level="hint",
            code=IGNORED,
        )


def _installed(package: Package) -> dict[str, str] | None:
    """Map the distributions of the image to their versions, as far as they are known."""
    environment = image_environment(package)
    return {one.name: one.version for one in environment.distributions.values()} if environment else None


def imported_problems(project: Project) -> tuple[Problem, ...]:
    """Return a warning for each setting without effect in Azure ML files that are used in place."""
    if not any(key in project.table for key in IN_PLACE):
        return ()
    from hatch_mlpackage.project.azureml_files.in_place import with_imported  # noqa: PLC0415 - few projects have such files

    return tuple(with_imported(project.table, project.root, Problems()).warnings)


def _lock_problems(inputs: LockInputs) -> Iterator[Problem]:
    states = (
        (check_project_lock(inputs), inputs.config.lock_path),
        *([(check_project_conda(inputs), inputs.config.conda_lock_path)] if inputs.has_conda_lock else ()),
    )
    for state, path in states:
        if not state.usable:
            yield state.problem(path)
    try:
        check_project_images(inputs)
    except MLPackageError as error:
        yield from problems_of(error)
