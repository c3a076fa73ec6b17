"""Read every lock file of a project once; the steps pass the result on and open none of the files again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.parse import read_if_there, text_of
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.conda.check import conda_packages_of
from hatch_mlpackage.lock.conda.explicit import CondaPackage
from hatch_mlpackage.lock.models import RemoteModel, read_models
from hatch_mlpackage.lock.pins.built_wheels import BuiltRecord, built_records
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.pins.packages import LockedPackage, packages_of
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins, read_pins
from hatch_mlpackage.project.config.keys import Config, leads_outside
from hatch_mlpackage.project.target import SUBDIRS, Target


@dataclass(frozen=True, kw_only=True)
class Locks:
    """The contents of the lock files, None where there is no file.

    `requirements` is pip's lock and `conda` the explicit lock of conda's packages. `conda_file` is what was read in the
    conda file, `packages_json` what is known about each package, `base_images` the digests of images, `remote_models`
    the models that were fetched, `pylock` the file of another tool that the pins were selected from. `target` is the
    image that the files are for, None where it is not known. Each property parses its file when it is first asked for,
    and raises LockError when the file is damaged.
    """

    requirements: str | None = None
    conda: str | None = None
    conda_file: bytes | None = None
    packages_json: bytes | None = None
    base_images: bytes | None = None
    remote_models: bytes | None = None
    pylock: bytes | None = None
    target: Target | None = None

    @cached_property
    def pins(self) -> tuple[Pin, ...]:
        """Return the pins that the image installs."""
        text = self.requirements or ""
        return installed_pins(text, self.target) if self.target else read_pins(text)

    @cached_property
    def built(self) -> tuple[BuiltRecord, ...]:
        """Describe the wheels that were built from source archives, and that the image installs."""
        pinned = {pin.file for pin in self.pins}
        return tuple(record for record in built_records(self.requirements or "") if record.file in pinned)

    @cached_property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Describe every pin by its entry in `packages.json`."""
        return packages_of(self.pins, self.packages_json)

    @cached_property
    def conda_packages(self) -> tuple[CondaPackage, ...]:
        return conda_packages_of(self.conda or "")

    @cached_property
    def models(self) -> tuple[RemoteModel, ...]:
        return read_models(self.remote_models)

    def require_sound(self) -> None:
        """Raise LockError when a file is damaged; check_base_images judges that of the images."""
        _ = self.packages, self.conda_packages, self.models


def read_locks(root: Path, config: Config, problems: Problems) -> Locks:
    """Read the lock files below a project's root, and report those that cannot be read.

    The lock of an image that brings its own packages is empty, whatever file there is.
    """

    def read(path: str) -> bytes | None:
        try:
            return read_if_there(root / path)
        except OSError as error:
            problems.add(path, f"cannot be read: {error.strerror}.", "Move it away, and run: mlpackage lock")
            return None

    if config.platform not in SUBDIRS or leads_outside(config.lock_directory):
        return Locks()  # reported when the configuration was read
    folder = root / config.lock_directory
    if folder.exists() and not folder.is_dir():
        problems.add(config.lock_directory, "is not a folder.", "Move it away, and run: mlpackage lock")
        return Locks()
    own = config.user_managed_dependencies
    return Locks(
        requirements=with_header("", Requirements(), config.target) if own else text_of(read(config.lock_path)),
        packages_json=None if own else read(config.packages_path),
        conda=text_of(read(config.conda_lock_path)) if config.conda_file else None,
        conda_file=read(config.conda_record_path) if config.conda_file else None,
        base_images=read(config.base_image_path),
        remote_models=read(config.models_path) if any(model.is_remote for model in config.models) else None,
        # What is wrong with its path was reported when the configuration was read.
        pylock=read(config.pylock) if config.pylock and (root / config.pylock).is_file() else None,
        target=config.target,
    )


def changed_texts(root: Path, config: Config, before: Locks, after: Locks) -> dict[Path, str]:
    """Return the files that differ between two states of a project's locks, as paths and new texts."""
    states = [
        (config.lock_path, before.requirements, after.requirements),
        (config.packages_path, before.packages_json, after.packages_json),
        (config.conda_lock_path, before.conda, after.conda),
        (config.conda_record_path, before.conda_file, after.conda_file),
        (config.base_image_path, before.base_images, after.base_images),
        (config.models_path, before.remote_models, after.remote_models),
    ]
    changed = {root / path: new for path, old, new in states if new is not None and new != old}
    return {path: new if isinstance(new, str) else new.decode() for path, new in changed.items()}
