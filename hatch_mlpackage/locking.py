"""Wire the locks of a project: make them, which may use the network, and check them, which never does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.bill import describe_locked
from hatch_mlpackage.conda import check_conda, conda_values, lock_conda
from hatch_mlpackage.errors import LockError, explained
from hatch_mlpackage.lock import LockState, check_lock, clear_wheels, read_pins
from hatch_mlpackage.lock.base_image import (
    BaseImageState,
    check_base_images,
    make_base_image_lock,
    write_base_image_locks,
)
from hatch_mlpackage.remote import lock_models
from hatch_mlpackage.replacing import replace_texts
from hatch_mlpackage.wheels import lock_requirements, wheels_directory, with_wheels

if TYPE_CHECKING:
    from hatch_mlpackage.project import Project
from hatch_mlpackage.package import LockInputs, inspect_requirements

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


def check_project_lock(inputs: LockInputs) -> LockState:
    """Tell whether the lock fits the requirements and the image, without the network."""
    text = inputs.read_lock()
    return with_wheels(check_lock(text, inputs.requirements, inputs.config.target), text, inputs)


def check_project_conda(inputs: LockInputs) -> LockState:
    """Tell whether the conda lock fits, without the network; one that is not needed is fresh."""
    return check_conda(inputs.project, inputs.config, inputs.conda)


def images_of(inputs: LockInputs) -> tuple[str, ...]:
    """List the images that stages of the Dockerfile start from, as they are named: the base image, then the others."""
    config = inputs.config
    conda = conda_values(config, inputs.conda)
    others = [conda["image"]] if conda and config.conda_mode == "micromamba" else []
    named = [image for _, image in inputs.base_dockerfile.images] if inputs.base_dockerfile else []
    return tuple(dict.fromkeys((config.base_image, *named, *others)))


def check_project_images(inputs: LockInputs) -> tuple[BaseImageState, ...]:
    """Tell what the image is built on, the base image first, without the network: by digest where one is locked.

    Raises LockError when the lock is damaged.
    """
    config = inputs.config
    text = _read_text(inputs.base_image_path)
    return check_base_images(text, images_of(inputs), config.platform, pin=config.pin_base_image)


def other_cuda(inputs: LockInputs) -> Iterator[str]:
    """Say which locked wheels bring the libraries of another CUDA than the image is for, by their names."""
    cuda = inputs.config.cuda or ""
    try:
        pins = read_pins(inputs.read_lock() or "") if cuda else ()
    except LockError:
        return  # told when the lock is checked
    brought = {found[1]: pin.name for pin in pins if (found := re.fullmatch(r"nvidia-.*-cu(\d+)", pin.name))}
    for major, name in sorted(brought.items()):
        if major != cuda.partition(".")[0]:
            yield (
                f"{inputs.config.lock_path} has wheels for CUDA {major} ({name}), and cuda is {cuda}: the machine's "
                "driver has to suit them. Set cuda to what they are for, or name an index that has them for yours."
            )


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")  # what is no text is told as damaged
    except FileNotFoundError:
        return None
