"""Fetch the wheel of every pin for the image, on any machine, so that building the image needs no network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins
from hatch_mlpackage.lock.pins.wheel_records import by_name, files_beside, is_locked
from hatch_mlpackage.lock.pins.wheel_tags import supported_tags
from hatch_mlpackage.lock.resolve import index_settings
from hatch_mlpackage.lock.resolve.pip_tools import is_installed
from hatch_mlpackage.lock.resolve.task import OUTPUT, Task, raise_if_outside, run
from hatch_mlpackage.lock.wheels.build import PIP
from hatch_mlpackage.lock.wheels.folder import put_wheel
from hatch_mlpackage.project.target import Target

_AT_ONCE = 5  # pins: an interrupted run fetches no more than these again
_LONGEST_REASON = 8  # lines
# The lines of pip's output that say why it failed.
_REASON = re.compile(r"\s*(?:ERROR: |Could not fetch URL .*(?<! 404)$|Expected sha|Got  )")
_FLAGS = (
    "--no-deps",
    "--require-hashes",
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "-vv",  # without it, pip does not say why an index cannot be read
    "--implementation=cp",
    f"--requirement={OUTPUT}",
)


def fetch_wheels(
    lock: str,
    requirements: Requirements,
    target: Target,
    *,
    folder: Path,
    wheels: Path,
    report: Callable[[str], None] = print,
) -> tuple[Path, ...]:
    """Fetch the wheels of a lock's pins that `wheels` lacks, check their hashes, and return one wheel for each pin.

    Wheels that no index has are built and not fetched. Wheels from an interrupted run are not fetched again. The empty
    `folder` is for temporary files. Raises LockError or UnavailableError.
    """
    task = Task(folder=folder, requirements=requirements, target=target, upgrade=False, report=report)
    beside = files_beside(lock)
    pins = [pin for pin in installed_pins(lock, task.target) if pin.name not in beside]
    found = _present(pins, wheels, task.target)
    lacking = [pin for pin in pins if pin not in found]
    if lacking and not is_installed():
        raise LockError('A wheelhouse is filled by pip: pip install "hatch-mlpackage[cli]"')
    fetched: dict[Pin, Path] = {}
    for start in range(0, len(lacking), _AT_ONCE):
        fetched |= _fetch(task, lacking[start : start + _AT_ONCE], wheels)
        size = sum(path.stat().st_size for path in fetched.values())
        task.report(f"Fetched {len(fetched)} of {len(lacking)} wheels, {size / 1e6:.1f} MB.")
    return tuple(sorted((found | fetched).values()))


def _fetch(task: Task, pins: Sequence[Pin], wheels: Path) -> dict[Pin, Path]:
    _download(task, pins)
    for path in sorted(task.folder.glob("*.whl")):
        put_wheel(path, wheels)
        path.unlink()
    fetched = _present(pins, wheels, task.target)
    if missing := next((pin for pin in pins if pin not in fetched), None):
        raise LockError(f"{missing} has no wheel for {task.target}. Choose a version that has one.")
    return fetched


def _present(pins: Sequence[Pin], folder: Path, target: Target) -> dict[Pin, Path]:
    there = by_name(folder)
    found = ((pin, path) for pin in pins for path in there.get(pin.name, ()) if is_locked(path, pin, target))
    return dict(reversed([*found]))


def _download(task: Task, pins: Sequence[Pin]) -> None:
    (task.folder / OUTPUT).write_text("".join(f"{_entry(pin)}\n" for pin in pins), encoding="utf-8")
    command = [*PIP, "download", *_FLAGS, *target_flags(task.target), f"--dest={task.folder}"]
    environment = index_settings.for_pip(os.environ, task.requirements.options)
    outcome = run(command, environment, task, doing="downloading")
    if outcome.status:
        reasons = [line.strip() for line in outcome.said.splitlines() if _REASON.match(line)]
        shown = "\n".join(f"  {line}" for line in dict.fromkeys(reasons[-_LONGEST_REASON:]))
        raise_if_outside(outcome, shown)
        raise LockError(
            f"The wheelhouse cannot be filled for {task.target}:\n{shown}\n"
            "What was fetched is kept. See that the index still has these files, and run `mlpackage lock` again."
        )


def _entry(pin: Pin) -> str:
    what = f"{pin.name}=={pin.version}" if pin.url is None else f"{pin.name} @ {pin.url}"
    return " ".join((what, *(f"--hash={digest}" for digest in pin.hashes)))


def target_flags(target: Target) -> Iterator[str]:
    """Yield pip's options for the image, with each glibc version in order, which pip does not know."""
    yield f"--python-version={target.full_python}"
    yield from (f"--abi={abi}" for abi in (target.abi, "abi3", "none"))
    platforms = dict.fromkeys(tag.platform for tag in supported_tags(target))
    yield from (f"--platform={platform}" for platform in platforms if platform != "any")
