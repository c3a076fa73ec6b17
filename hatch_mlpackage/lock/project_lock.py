"""Make the locks of a project, which may use the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from hatch_mlpackage.errors import LockError, Problem, explained
from hatch_mlpackage.files.replace import replace_texts
from hatch_mlpackage.lock.changes import Change, lock_changes
from hatch_mlpackage.lock.check_locks import check_project_images, our_locks, wheels_directory
from hatch_mlpackage.lock.foreign import refuse_foreign_files, refuse_link_outside
from hatch_mlpackage.lock.images.base_image import check_base_images, make_base_image_lock, write_base_image_locks
from hatch_mlpackage.lock.inputs import LockInputs, images_of, inspect_requirements, paths_outside_the_wheel
from hatch_mlpackage.lock.locks import changed_texts
from hatch_mlpackage.lock.nothing_locked import nothing_locked
from hatch_mlpackage.lock.pins.packages import packages_to_json
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.pins.pylock import select_lock
from hatch_mlpackage.lock.project_conda import lock_conda
from hatch_mlpackage.lock.project_models import lock_models
from hatch_mlpackage.lock.resolve.make import Made, make_lock
from hatch_mlpackage.lock.resolve.uv_export import export_uv_lock
from hatch_mlpackage.lock.unneeded import unneeded_builds
from hatch_mlpackage.lock.wheels.build import build_wheels
from hatch_mlpackage.lock.wheels.describe import describe_packages
from hatch_mlpackage.lock.wheels.download import fetch_wheels
from hatch_mlpackage.lock.wheels.folder import clear_wheels, put_wheel
from hatch_mlpackage.lock.wheels.from_source import build_named
from hatch_mlpackage.project.config.foreign_locks import UV_LOCK
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.redaction import redact

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockRun:
    """What became of a project's locks: the path of the requirements' lock, and how its packages and conda's changed.

    Where the image brings its own packages there are none to lock, and the path is that of the base image's lock.
    `notes` are warnings and hints about the versions. `is_new` says that there was no lock before, and `is_changed`
    that a file was written.
    """

    path: Path
    changes: tuple[Change, ...]
    notes: tuple[Problem, ...]
    is_new: bool
    is_changed: bool


def lock_project(project: Project, *, upgrade: bool = False, report: Report = print, follow: bool = False) -> Path:
    """Write the locks, report how they change, and return the path of the requirements' lock; as `renew_locks`."""
    run = renew_locks(project, upgrade=upgrade, report=report, follow=follow)
    for change in () if run.is_new else run.changes:
        report(str(change))
    for note in run.notes:
        report(f"{note.level.capitalize()}: {note}")
    return run.path


def renew_locks(project: Project, *, upgrade: bool = False, report: Report = print, follow: bool = False) -> LockRun:
    """Resolve the base image and the requirements, and write the locks.

    `follow` allows a folder of locks that is a link out of the project.

    Raises LockError when they cannot be resolved or a file of another program is in the way, UnavailableError when
    the index cannot be reached or the image's registry refuses; a registry that cannot be reached is only reported.
    Nothing is written then.
    """
    report = _redacting(report)
    inputs = inspect_requirements(project)
    before = locks = inputs.locks
    if not follow:
        refuse_link_outside(project.root, inputs.config)
    refuse_foreign_files(inputs.config, locks)
    models = lock_models(inputs.config, locks, upgrade=upgrade, report=report)
    if models is not None:
        locks = replace(locks, remote_models=models.encode())
        inputs = inspect_requirements(project, locks=locks)  # a model without an entry script says what it needs
    base_images = _lock_base_images(inputs, upgrade=upgrade, report=report)
    if base_images is not None:
        locks = replace(locks, base_images=base_images.encode())
    locks = lock_conda(inputs.config, inputs.conda, locks, upgrade=upgrade, report=report)
    if inputs.has_conda_lock:  # its versions limit what pip may add
        inputs = inspect_requirements(project, locks=locks)
    with explained(inputs.lock_path.parent, LockError):
        made, wheels = lock_requirements(inputs, upgrade=upgrade, report=report)
        if not inputs.config.user_managed_dependencies:
            described = describe_locked(made.text, inputs).encode()
            locks = replace(locks, requirements=made.text, packages_json=described)
        changed = changed_texts(project.root, inputs.config, before, locks)
        replace_texts(changed)
        clear_wheels(wheels_directory(inputs), wheels, report)
    own = inputs.config.user_managed_dependencies
    return LockRun(
        path=project.root / (inputs.config.base_image_path if own else inputs.config.lock_path),
        changes=lock_changes(inputs.config, before, locks, made.why),
        notes=(*made.notes, *nothing_locked(inputs, made.text), *unneeded_builds(inputs, made.text)),
        is_new=before.requirements is None,
        is_changed=bool(changed),
    )


def _redacting(report: Report) -> Report:
    return lambda text: report(redact(text))


def _lock_base_images(inputs: LockInputs, *, upgrade: bool, report: Report) -> str | None:
    """Return the text of a new lock of the images that stages start from; None where the existing lock stays."""
    config, images, damage = inputs.config, images_of(inputs), None
    try:
        states = check_project_images(inputs)
    except LockError as error:
        damage = error
        report(f"{str(error).splitlines()[0]} It is made anew.")
        states = check_base_images(None, images, config.platform, pin=config.pin_base_image)
    made = [
        make_base_image_lock(state, image, config.platform, upgrade=upgrade, report=report)
        for image, state in zip(images, states, strict=True)
    ]
    if damage and not any(made):  # no registry could be reached
        raise damage
    if not any(made):
        return None
    kept = [state.lock if state.status == "pinned" else None for state in states]
    locks = [lock for new, old in zip(made, kept, strict=True) if (lock := new or old)]
    return write_base_image_locks(config.base_image, locks)


def describe_locked(lock: str, inputs: LockInputs) -> str:
    """Ask the index for what the bill of materials says about each locked package, and return it as JSON."""
    if not read_pins(lock):
        return packages_to_json(())
    with TemporaryDirectory(prefix="mlpackage-packages-") as folder:
        wheels = wheels_directory(inputs)
        return packages_to_json(describe_packages(lock, inputs.config.target, folder=Path(folder), wheels=wheels))


def lock_requirements(inputs: LockInputs, *, upgrade: bool, report: Report) -> tuple[Made, frozenset[str]]:
    """Make a lock, and return it with the names of its wheels, which are put beside it.

    Raises LockError or UnavailableError; the wheels of the existing lock are then still there.
    """
    config, requirements, target = inputs.config, inputs.requirements, inputs.config.target
    for note in requirements.notes:
        report(note)
    folder, previous = wheels_directory(inputs), inputs.locks.requirements
    if config.pylock is not None:
        text = _select_lock(inputs, config.pylock, upgrade=upgrade, report=report)
        wheels = frozenset(path.name for path in _fetch(inputs, text, report)) if config.wheelhouse else frozenset()
        return Made(text=text), wheels
    with TemporaryDirectory(prefix="mlpackage-wheels-") as work:
        vendored = build_wheels(
            requirements,
            target,
            root=inputs.project.root,
            folder=Path(work),
            wheels=folder,
            previous=previous,
            upgrade=upgrade,
            left_out=paths_outside_the_wheel(inputs.project.root, config),
            report=report,
        )
        built = build_named(
            requirements,
            target,
            folder=Path(work),
            wheels=folder,
            vendored=vendored,
            previous=previous,
            upgrade=upgrade,
            report=report,
        )
        made = make_lock(
            requirements,
            target,
            locker=config.locker,
            previous=previous,
            upgrade=upgrade,
            report=report,
            vendored=vendored,
            built=built,
        )
        wanted = {path.name for path in _fetch(inputs, made.text, report)} if config.wheelhouse else set()
        wanted |= {put_wheel(path, folder).name for path in (*(it.path for it in vendored), *(it.path for it in built))}
    return made, frozenset(wanted)


def _select_lock(inputs: LockInputs, pylock: str, *, upgrade: bool, report: Report) -> str:
    if upgrade:
        report(f"The pins are those of {pylock}: renew them with the tool that made it.")
    content, name, target = inputs.locks.pylock or b"", inputs.project.name, inputs.config.target
    if PurePosixPath(pylock).name == UV_LOCK:
        content = export_uv_lock(inputs.project.root / pylock, target, report=report)
    return select_lock(content, inputs.requirements, target, project=name, report=report)


def _fetch(inputs: LockInputs, text: str, report: Report) -> Iterator[Path]:
    ours = ((lock.text, lock.target) for lock in our_locks(inputs))
    for lock, target in ((text, inputs.config.target), *ours):
        with TemporaryDirectory(prefix="mlpackage-wheels-") as work:
            yield from fetch_wheels(
                lock,
                inputs.requirements,
                target,
                folder=Path(work),
                wheels=wheels_directory(inputs),
                report=report,
            )
