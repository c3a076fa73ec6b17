"""Check the packed sources of a project against what its image installs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_mlpackage.context.image_values import server_environment
from hatch_mlpackage.context.package import Package
from hatch_mlpackage.context.plan import APP_DIRECTORY
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.files.tree import place_below
from hatch_mlpackage.lock.pins.closure import needed_by_others
from hatch_mlpackage.project.config.keys import MODELS_DIRECTORY
from hatch_mlpackage.project.sources.check import Sources, check_sources
from hatch_mlpackage.project.sources.environment import Distribution, ImageEnvironment
from hatch_mlpackage.project.sources.tree import Packed

_INSTALLS = re.compile(r"\bpip3?\b|\buv\b|\bconda\b|mamba|PYTHONPATH|site-packages|/opt/mlpackage/environment")


def source_problems(package: Package, *, locked: bool = True) -> tuple[Problem, ...]:
    """Return what is wrong with the sources, or worth knowing; `locked` is false where a lock cannot be used."""
    known = image_environment(package) if locked else None
    return check_sources(_sources(package, locked=known is not None), known)


def _sources(package: Package, *, locked: bool) -> Sources:
    config = package.config
    variables = server_environment(package)
    lock, pins = (package.locks.requirements or "", package.locks.pins) if locked else ("", ())
    # A generated script is none of the files here, and most of its requirements were added for it.
    asked = () if package.no_code else package.requirements.requirements
    names = {Requirement(text).name for text in asked}
    return Sources(
        root=package.project.root,
        files=tuple(_packed(package)),
        entry=variables.get("AZUREML_ENTRY_SCRIPT", ""),
        source_directory=variables.get("AZUREML_SOURCE_DIRECTORY", ""),
        python=config.python_version,
        models={model.path: _below_model_dir(package, index) for index, model in enumerate(config.models)},
        model_dir=_model_dir(package),
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
        inside = file.path.removeprefix(f"{APP_DIRECTORY}/")
        yield Packed(path=inside, shown=place_below(place, root) or str(place), source=file.source)


def _model_dir(package: Package) -> str:
    """Return the folder that AZUREML_MODEL_DIR names, below the app root."""
    models = package.config.models
    return models[0].context_path if len(models) == 1 else MODELS_DIRECTORY


def _below_model_dir(package: Package, index: int) -> str:
    """Return a model's path below AZUREML_MODEL_DIR, which is the model's own folder where it is the only model."""
    model = package.config.models[index]
    name = PurePosixPath(model.path).name
    alone = len(package.config.models) == 1
    return name if alone else f"{model.context_path.removeprefix(f'{MODELS_DIRECTORY}/')}/{name}"


def image_environment(package: Package) -> ImageEnvironment | None:
    """Return the distributions that the image installs by the locks; None where its base image brings them."""
    if package.config.user_managed_dependencies:
        return None
    found = [Distribution(name=it.name, version=it.version, modules=it.modules) for it in package.locks.packages]
    if package.has_conda_lock:
        conda = package.locks.conda_packages
        found += [Distribution(name=canonicalize_name(one.name), version=one.version) for one in conda]
    if package.config.install_project:
        found.append(_project_distribution(package))
    return ImageEnvironment(
        python=package.config.python_version,
        distributions={one.name: one for one in found},
        closed=not package.has_conda_lock and not _adds_modules(package),
    )


def _adds_modules(package: Package) -> bool:
    """Tell whether the project's own lines of a Dockerfile, or its variables, may make further modules importable."""
    base = package.base_dockerfile
    lines = (package.extra_steps, *(f"{part.before}{part.after}" for part in (base.parts if base else ())))
    return "PYTHONPATH" in package.config.environment_variables or any(map(_INSTALLS.search, lines))


def _project_distribution(package: Package) -> Distribution:
    """Return the project's own distribution, with the modules found where projects keep theirs, or unknown ones."""
    root = package.project.root
    held = {path.parent.name for top in ("*", "src/*") for path in root.glob(f"{top}/__init__.py")}
    held |= {path.stem for top in ("*.py", "src/*.py") for path in root.glob(top)}
    return Distribution(name=package.project.name, version=package.project.version, modules=tuple(sorted(held)) or None)
