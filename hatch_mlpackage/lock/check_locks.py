"""Tell without the network whether the locks of a project still fit, and find the wheels beside them.

`locks/wheels/` holds the wheels that no index has and, with `wheelhouse = true`, those of every pin and of the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.resources import pip_lock_path, runtime_directory, server_lock_path, templates_directory
from hatch_mlpackage.lock.conda.check import check_conda_lock
from hatch_mlpackage.lock.conda.explicit import proven_sha256
from hatch_mlpackage.lock.images.base_image import BaseImageState, check_base_images
from hatch_mlpackage.lock.inputs import LockInputs, images_of
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.header import split_header
from hatch_mlpackage.lock.pins.packages import other_hashes, without_wheel
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER
from hatch_mlpackage.lock.pins.pylock_hashes import not_in_pylock
from hatch_mlpackage.lock.pins.wheel_needs import unlike_the_wheels
from hatch_mlpackage.lock.pins.wheel_records import find_wheels
from hatch_mlpackage.project.target import Target


def check_project_lock(inputs: LockInputs) -> LockState:
    """Tell whether the lock fits the requirements, the image and the wheels beside it.

    The reasons of a lock for another platform also name the packages that have no wheel for this one.
    """
    state = check_lock(inputs.locks.requirements, inputs.requirements, inputs.config.target)
    if state.status == "other-target":
        return replace(state, reasons=(*state.reasons, *_lacking(inputs)))
    return _stale_where(state, _other_files(inputs))


def _other_files(inputs: LockInputs) -> Iterator[str]:
    """Yield how the files beside the lock, and those that it was made from, differ from it."""
    if inputs.conda is not None and inputs.conda.record_differs:
        yield f"{inputs.config.conda_record_path} says something else than {inputs.conda.file.path}"
    if inputs.requirements.pylock is not None:
        yield from not_in_pylock(inputs.locks.pylock or b"", inputs.requirements.pylock[0], inputs.locks.pins)
    wheels, *others = find_all_wheels(inputs)
    yield from (reason for _, wrong in (wheels, *others) for reason in wrong)
    if not wheels[1]:
        lock = inputs.locks.requirements or ""
        yield from unlike_the_wheels(wheels[0], lock, inputs.requirements, inputs.config.target)
    with suppress(LockError):  # Locks.require_sound reports it
        yield from other_hashes(inputs.locks.pins, inputs.locks.packages_json)


def check_project_conda(inputs: LockInputs) -> LockState:
    """Tell whether the conda lock fits; a project that needs none has a fresh one."""
    conda = inputs.conda
    if conda is None or conda.file.kind == "pip":
        return LockState(status="fresh")
    state = check_conda_lock(inputs.locks.conda, conda)
    return _stale_where(state, _wrong_packages(conda.channel, inputs)) if conda.channel else state


def _stale_where(state: LockState, reasons: Iterable[str]) -> LockState:
    """Turn a lock that fits into a stale one when one of its files is missing or is another file."""
    found = tuple(reasons) if state.usable else ()
    return replace(state, status="stale", reasons=found) if found else state


def _wrong_packages(channel: Path, inputs: LockInputs) -> Iterator[str]:
    for package in inputs.locks.conda_packages:
        try:
            proven_sha256(channel / package.subdir / package.file, package.sha256)
        except LockError as error:
            yield str(error)


def _lacking(inputs: LockInputs) -> Iterator[str]:
    header, _ = split_header(inputs.locks.requirements or "")
    target = inputs.config.target
    # packages.json lists the wheels of the locked Python alone.
    if header is not None and header.python == target.python and inputs.locks.packages_json is not None:
        with suppress(LockError):  # the new lock, which is needed anyway, replaces a damaged file
            yield from without_wheel(inputs.locks.packages, target)


def find_all_wheels(inputs: LockInputs) -> Iterator[tuple[tuple[Path, ...], tuple[str, ...]]]:
    """Find the wheels of the environment and, with a wheelhouse, those of each of our locks, in their order."""
    config, folder = inputs.config, wheels_directory(inputs)
    yield find_wheels(inputs.locks.requirements or "", folder, config.target, all_wheels=config.wheelhouse)
    for lock in our_locks(inputs) if config.wheelhouse else ():
        yield find_wheels(lock.text, folder, lock.target, all_wheels=True)


def wheels_directory(inputs: LockInputs) -> Path:
    return inputs.lock_path.parent / WHEELS_FOLDER


@dataclass(frozen=True, kw_only=True, slots=True)
class OurLock:
    """A lock that comes with this package: its text, what it installs for, and where the context has its wheels."""

    text: str
    target: Target
    place: str
    layer: str


def our_locks(inputs: LockInputs) -> Iterator[OurLock]:
    """Yield the locks of the server, of the installer of conda packages, and of the pip for an old Python."""
    config, files = inputs.config, templates_directory() / "context"
    server = file_text(server_lock_path(runtime_directory(), config.server_target.python))
    yield OurLock(text=server, target=config.server_target, place="server/wheels", layer="runtime")
    if inputs.has_conda_lock and config.conda_mode == "vendored":
        installer = file_text(files / "conda" / "requirements.txt")
        base = replace(config.target, python=config.base_python)
        yield OurLock(text=installer, target=base, place="environment/conda/wheels", layer="environment")
    if inputs.has_old_pip:
        pip = file_text(pip_lock_path(config.python_version))
        yield OurLock(text=pip, target=config.target, place="environment/pip/wheels", layer="environment")


def check_project_images(inputs: LockInputs) -> tuple[BaseImageState, ...]:
    """Return what the stages of the image start from, the base image first, by digest where one is locked.

    Raises LockError when the lock is damaged.
    """
    config = inputs.config
    return check_base_images(inputs.locks.base_images, images_of(inputs), config.platform, pin=config.pin_base_image)


def other_cuda(inputs: LockInputs) -> Iterator[str]:
    """Yield a sentence for each locked wheel whose name says that it is for another CUDA version than the image's."""
    cuda = inputs.config.cuda or ""
    try:
        pins = inputs.locks.pins if cuda else ()
    except LockError:
        return  # check_project_lock reports it
    brought = {found[1]: pin.name for pin in pins if (found := re.fullmatch(r"nvidia-.*-cu(\d+)", pin.name))}
    for major, name in sorted(brought.items()):
        if major != cuda.partition(".")[0]:
            yield (
                f"{inputs.config.lock_path} has wheels for CUDA {major} ({name}), and cuda is {cuda}: the machine's "
                "driver has to suit them. Set cuda to what they are for, or name an index that has them for yours."
            )
