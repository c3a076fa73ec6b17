"""Wire the locks of a project: make them, which may use the network, and check them, which never does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError, explained
from hatch_mlpackage.files.replace import replace_texts
from hatch_mlpackage.lock.check_locks import check_project_images
from hatch_mlpackage.lock.conda.of_project import lock_conda
from hatch_mlpackage.lock.images.base_image import (
    check_base_images,
    make_base_image_lock,
    write_base_image_locks,
)
from hatch_mlpackage.lock.inputs import LockInputs, images_of, inspect_requirements, not_sources
from hatch_mlpackage.lock.models.of_project import lock_models
from hatch_mlpackage.lock.pins.packages import packages_to_json
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, read_pins
from hatch_mlpackage.lock.pins.pylock import select_lock
from hatch_mlpackage.lock.resolve.make import make_lock
from hatch_mlpackage.lock.wheels.build import build_wheels
from hatch_mlpackage.lock.wheels.describe import describe_packages
from hatch_mlpackage.lock.wheels.download import fetch_wheels
from hatch_mlpackage.lock.wheels.folder import clear_wheels, put_wheel
from hatch_mlpackage.lock.wheels.of_project import our_locks, wheels_directory

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

Report = Callable[[str], None]


def lock_project(project: Project, *, upgrade: bool = False, report: Report = print) -> Path:
    """Resolve the base image and the requirements for the image and write the locks; return the path of the latter's.

    Where the image brings its packages there are none to lock, and the path is that of the base image's lock.

    Raises LockError when they cannot be resolved, UnavailableError when the index cannot be reached or the image's
    registry refuses; a registry that cannot be reached is only reported. Nothing is written then.
    """
    inputs = inspect_requirements(project)
    beside = lock_models(project, inputs.config, upgrade=upgrade, report=report)
    models_lock = next(iter(beside.values()), None)
    if models_lock and inputs.config.no_code_model:  # what it needs is what made it
        inputs = inspect_requirements(project, models_lock=models_lock)
    base_image = _lock_base_images(inputs, upgrade=upgrade, report=report)
    beside |= lock_conda(project, inputs.config, inputs.conda, upgrade=upgrade, report=report)
    if inputs.conda_lock_path in beside:  # its versions limit what pip may add
        inputs = inspect_requirements(project, conda_lock=beside[inputs.conda_lock_path], models_lock=models_lock)
    with explained(inputs.lock_path.parent, LockError):
        text, wheels = lock_requirements(inputs, previous=inputs.read_lock(), upgrade=upgrade, report=report)
        if not inputs.config.user_managed_dependencies:
            beside |= {inputs.lock_path: text, inputs.packages_path: describe_locked(text, inputs)}
        beside |= {inputs.base_image_path: base_image} if base_image else {}
        replace_texts(beside)
        clear_wheels(wheels_directory(inputs), wheels, report)
    return inputs.lock_path if inputs.lock_path in beside else inputs.base_image_path


def _lock_base_images(inputs: LockInputs, *, upgrade: bool, report: Report) -> str | None:
    """Return the text of a new lock of what the stages start from; None where the one there is stays."""
    config, images = inputs.config, images_of(inputs)
    try:
        states = check_project_images(inputs)
    except LockError as error:
        report(f"{str(error).splitlines()[0]} It is made anew.")
        states = check_base_images(None, images, config.platform, pin=config.pin_base_image)
    made = [
        make_base_image_lock(state, image, config.platform, upgrade=upgrade, report=report)
        for image, state in zip(images, states, strict=True)
    ]
    if not any(made):
        return None
    kept = [state.lock if state.status == "pinned" else None for state in states]
    locks = [lock for new, old in zip(made, kept, strict=True) if (lock := new or old)]
    return write_base_image_locks(config.base_image, locks)


def describe_locked(lock: str, inputs: LockInputs) -> str:
    """Find out, while the network may be used, what the bill will say of each locked package."""
    if not read_pins(lock):
        return packages_to_json(())
    with TemporaryDirectory(prefix="mlpackage-packages-") as folder:
        beside = inputs.lock_path.parent / WHEELS_FOLDER
        return packages_to_json(describe_packages(lock, inputs.config.target, folder=Path(folder), wheels=beside))


def lock_requirements(
    inputs: LockInputs, *, previous: str | None, upgrade: bool, report: Callable[[str], None]
) -> tuple[str, frozenset[str]]:
    """Return the text of a lock, and the names of the wheels that belong to it, which are put beside it.

    Raises LockError or UnavailableError; the wheels of the lock that is there are then still there.
    """
    config, requirements, target = inputs.config, inputs.requirements, inputs.config.target
    folder = wheels_directory(inputs)
    if config.pylock is not None:
        text = _select_lock(inputs, config.pylock, upgrade=upgrade, report=report)
        return text, frozenset(path.name for path in _fetch(inputs, text, report)) if config.wheelhouse else frozenset()
    with TemporaryDirectory(prefix="mlpackage-wheels-") as work:
        vendored = build_wheels(
            requirements,
            target,
            root=inputs.project.root,
            folder=Path(work),
            wheels=folder,
            previous=previous,
            upgrade=upgrade,
            left_out=not_sources(inputs.project.root, config),
            report=report,
        )
        text = make_lock(
            requirements,
            target,
            locker=config.locker,
            previous=previous,
            upgrade=upgrade,
            report=report,
            vendored=vendored,
        )
        wanted = {path.name for path in _fetch(inputs, text, report)} if config.wheelhouse else set()
        wanted |= {put_wheel(wheel.path, folder).name for wheel in vendored}
    return text, frozenset(wanted)


def _select_lock(inputs: LockInputs, pylock: str, *, upgrade: bool, report: Callable[[str], None]) -> str:
    if upgrade:
        report(f"The pins are those of {pylock}: renew them with the tool that made it.")
    content = (inputs.project.root / pylock).read_bytes()
    name = inputs.project.name
    return select_lock(content, inputs.requirements, inputs.config.target, project=name, report=report)


def _fetch(inputs: LockInputs, text: str, report: Callable[[str], None]) -> Iterator[Path]:
    for lock in (text, *our_locks(inputs)):
        with TemporaryDirectory(prefix="mlpackage-wheels-") as work:
            yield from fetch_wheels(
                lock,
                inputs.requirements,
                inputs.config.target,
                folder=Path(work),
                wheels=wheels_directory(inputs),
                report=report,
            )
