"""Check everything about a project that can be checked without a network, in one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_mlpackage.context.build import BASE_IMAGE, as_errors, base_image_problem, doubtful_files, plan_package
from hatch_mlpackage.context.image_values import server_environment
from hatch_mlpackage.context.package import Package, inspect_all
from hatch_mlpackage.context.plan import APP_DIRECTORY, ContextPlan
from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem, Problems
from hatch_mlpackage.lock.check_locks import check_project_conda, check_project_images, check_project_lock, other_cuda
from hatch_mlpackage.lock.inputs import LockInputs, images_of
from hatch_mlpackage.lock.pins.closure import needed_by_others
from hatch_mlpackage.project.config.keys import IN_PLACE, KEY, MODELS_DIRECTORY
from hatch_mlpackage.project.known_images import ended_support
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.project.sources.check import Sources, check_sources
from hatch_mlpackage.project.sources.environment import Distribution, ImageEnvironment
from hatch_mlpackage.project.sources.tree import Packed


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """The problems found; `package` and `plan` are None where an error prevents them."""

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
        # The packages of a base image that brings its own are unknown.
        known = not locked and not package.config.user_managed_dependencies
        problems += doubtful_files(package)
        problems += check_sources(_sources(package, locked=known), _environment(package) if known else None)
    if inputs and inputs.config.strict:
        problems = [*as_errors(problems)]
    if package is None or any(problem.level == "error" for problem in problems):
        return Checked(problems=tuple(problems), package=package)
    try:
        return Checked(problems=tuple(problems), package=package, plan=plan_package(package))
    except MLPackageError as error:
        return Checked(problems=(*problems, *problems_of(error)), package=package)


def problems_of(error: MLPackageError) -> tuple[Problem, ...]:
    """Return the problems that an error reports, or one problem with the error's text."""
    if isinstance(error, ConfigurationError):
        return error.problems
    return (Problem(where="", what=str(error), code=error.code),)


def image_problems(inputs: LockInputs) -> Iterator[Problem]:
    """Warn of base images that are not pinned, no longer maintained, or made for another CUDA than the wheels."""
    today = date.today()  # noqa: DTZ011 - the ends are no more exact
    ended = [
        f"{said} Choose another base-image." for image in images_of(inputs) for said in ended_support(image, today)
    ]
    unpinned = [said for state in check_project_images(inputs) if (said := state.describe())]
    for said in (*unpinned, *ended):
        yield base_image_problem(said)
    for said in other_cuda(inputs):
        yield Problem(where=f"{KEY}.cuda", what=said, level="warning", code=BASE_IMAGE)


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


def _sources(package: Package, *, locked: bool) -> Sources:
    config = package.config
    variables = server_environment(package)
    lock, pins = (package.locks.requirements or "", package.locks.pins) if locked else ("", ())
    names = {Requirement(text).name for text in package.requirements.requirements}
    return Sources(
        root=package.project.root,
        files=tuple(_packed(package)),
        entry=variables.get("AZUREML_ENTRY_SCRIPT", ""),
        source_directory=variables.get("AZUREML_SOURCE_DIRECTORY", ""),
        models={model.path: _below_model_dir(package, index) for index, model in enumerate(config.models)},
        asked={pin.name: f"{config.lock_path}:{pin.line}" for pin in pins if pin.name in names},
        needed=needed_by_others(lock),
    )


def _packed(package: Package) -> Iterator[Packed]:
    """Yield the files of sources and models with their paths below the app root in the image."""
    root = package.project.root
    for file in package.files:
        place = file.origin or file.source
        if not isinstance(place, Path) or file.layer in {"runtime", "build"}:
            continue
        path = PurePosixPath(file.path)
        inside = path.relative_to(APP_DIRECTORY) if path.is_relative_to(APP_DIRECTORY) else path
        shown = place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)
        yield Packed(path=str(inside), shown=shown, source=file.source)


def _below_model_dir(package: Package, index: int) -> str:
    """Return a model's path below AZUREML_MODEL_DIR, which is the model's own folder where it is the only model."""
    model = package.config.models[index]
    name = PurePosixPath(model.path).name
    alone = len(package.config.models) == 1
    return name if alone else f"{model.context_path.removeprefix(f'{MODELS_DIRECTORY}/')}/{name}"


def _environment(package: Package) -> ImageEnvironment:
    """Return the distributions that the image installs according to the locks."""
    found = [Distribution(name=it.name, version=it.version, modules=it.modules) for it in package.locks.packages]
    if package.has_conda_lock:
        conda = package.locks.conda_packages
        found += [Distribution(name=canonicalize_name(one.name), version=one.version) for one in conda]
    if package.config.install_project:
        found.append(_project_distribution(package))
    return ImageEnvironment(
        python=package.config.python_version,
        distributions={one.name: one for one in found},
        closed=not package.has_conda_lock and "PYTHONPATH" not in package.config.environment_variables,
    )


def _project_distribution(package: Package) -> Distribution:
    """Return the project's own distribution, with the modules found where projects keep theirs."""
    root = package.project.root
    held = {path.parent.name for top in ("*", "src/*") for path in root.glob(f"{top}/__init__.py")}
    held |= {path.stem for top in ("*.py", "src/*.py") for path in root.glob(top)}
    return Distribution(name=package.project.name, version=package.project.version, modules=tuple(sorted(held)))
