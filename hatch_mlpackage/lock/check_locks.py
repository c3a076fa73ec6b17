"""Tell whether the locks of a project still fit, without the network."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.images.base_image import BaseImageState, check_base_images
from hatch_mlpackage.lock.inputs import LockInputs, images_of
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.project_conda import check_conda
from hatch_mlpackage.lock.project_wheels import with_wheels


def check_project_lock(inputs: LockInputs) -> LockState:
    """Tell whether the lock fits the requirements and the image, without the network."""
    return with_wheels(check_lock(inputs.locks.requirements, inputs.requirements, inputs.config.target), inputs)


def check_project_conda(inputs: LockInputs) -> LockState:
    """Tell whether the conda lock fits, without the network; a lock that is not needed is fresh."""
    return check_conda(inputs.conda, inputs.locks)


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
