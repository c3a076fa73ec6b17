"""Lock a new project, with the build of its framework for CPUs where an index has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hatch_mlpackage.cli.output import say
from hatch_mlpackage.cli.savings import saving_line, savings_of
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.lock.wheels.cpu_builds import older_cpu_build
from hatch_mlpackage.project.pyproject import PYPROJECT, load_project

_WITH_CPU_BUILDS = ("torch",)


def lock_if_possible(destination: Path, lock_made: Callable[[Path], object], folder: Path) -> None:
    """Lock the new project in a folder, or say why that failed: it is complete without a lock, too.

    `destination` is where the project will be, and what messages call it.
    """
    folder = folder.absolute()
    try:
        _choose_cpu_builds(folder)
        lock_made(lock_project(load_project(folder), report=say))
        inputs = inspect_requirements(load_project(folder))
        for saving in savings_of(inputs.locks, inputs.config):
            say(saving_line(saving))
    except MLPackageError as error:
        say(f"Not locked: {str(error).replace(str(folder), str(destination))}")


def _choose_cpu_builds(folder: Path) -> None:
    """Require the newest version that the index has for CPUs: the image has no GPU, whose libraries are big."""
    project = load_project(folder)
    target = inspect_requirements(project).config.target
    for name in set(_WITH_CPU_BUILDS).intersection(project.dependencies or ()):
        version = older_cpu_build(name, target, report=say)
        if version:
            path = folder / PYPROJECT
            path.write_text(file_text(path).replace(f'"{name}"', f'"{name}=={version}"'), encoding="utf-8")
            say(f"Requiring {name} {version}, the newest that the index has for CPUs; later ones bring CUDA.")
