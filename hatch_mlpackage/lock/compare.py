"""Compare a lock with what the index says now, which a lock cannot prove of itself: `lock --check --online`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.check_locks import wheels_directory
from hatch_mlpackage.lock.inputs import LockInputs
from hatch_mlpackage.lock.pins.built_wheels import BuiltWheel, built_records
from hatch_mlpackage.lock.pins.check import LockState
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.pins.wheel_records import Vendored, asked_sources
from hatch_mlpackage.lock.resolve.index_files import IndexFiles, ask_index
from hatch_mlpackage.lock.resolve.make import resolve_again

_SHOWN = 2  # hashes of a pin
_LONGEST_SHOWN = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The outcome: how many `pins` were compared, and how many `wheels` beside the lock, which no index has, were not.

    `notes` name the pins that were yanked, and what was not compared, such as pins that the index gives no hash for.
    """

    state: LockState = field(default_factory=lambda: LockState(status="fresh"))
    pins: int = 0
    wheels: int = 0
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Say in one sentence what was compared."""
        apart = f", and not the {_counted(self.wheels, 'wheel')} beside the lock" if self.wheels else ""
        return f"Compared {_counted(self.pins, 'pin')} with the index{apart}."


def compare_with_index(inputs: LockInputs, state: LockState, *, report: Callable[[str], None] = print) -> Compared:
    """Compare the hashes of every pin, and the pins with those that the requirements need, by what the index says now.

    The lock is in the given usable state. Raises LockError where uv is not installed, UnavailableError where the index
    cannot be asked.
    """
    wanted, target = inputs.requirements, inputs.config.target
    pins = tuple(pin for pin in inputs.locks.pins if not pin.file)
    archives = tuple(_archives(inputs))
    found = ask_index((*pins, *archives), wanted, target, report=report)
    reasons = tuple(reason for pin, files in found.items() for reason in _contradictions(pin, files))
    if not reasons and wanted.pylock is None:
        report("Resolving the requirements again, with the locked versions.")
        reasons = tuple(_other_pins(inputs, report))
    unlisted = [pin for pin, files in found.items() if not files.missing and not files.hashes]
    return Compared(
        state=LockState(status="contradicted", reasons=reasons) if reasons else state,
        pins=len([pin for pin in pins if pin not in unlisted]),
        wheels=len(inputs.locks.pins) - len(pins),
        notes=(
            *_yanked(found),
            *(f"The index gives no hash of {pin}: it was not compared." for pin in unlisted),
            *(f"{pin}: its source archive was compared, and not the wheel that was built from it." for pin in archives),
            *(("The packages of conda were not compared with their channels.",) if inputs.has_conda_lock else ()),
        ),
    )


def _archives(inputs: LockInputs) -> Iterator[Pin]:
    """Yield the pins of wheels that were built, with the hashes of their archives in place of their own."""
    digests = {record.file: record.digest for record in inputs.locks.built}
    for pin in inputs.locks.pins:
        if pin.file in digests:
            yield replace(pin, hashes=(digests[pin.file],))


def _contradictions(pin: Pin, files: IndexFiles) -> Iterator[str]:
    place = f"{pin} (line {pin.line})"
    if files.missing:
        yield f"{place}: {files.missing}"
        return
    unknown = sorted(set(pin.hashes) - files.hashes) if files.hashes else []
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else "")
        yield f"{place}: the index has no file with {shown}"


def _other_pins(inputs: LockInputs, report: Callable[[str], None]) -> Iterator[str]:
    locked = inputs.locks.pins
    try:
        needed = resolve_again(
            inputs.requirements, inputs.config.target, locked, _vendored(inputs), _built(inputs), report=report
        )
    except LockError as error:
        lines = str(error).splitlines()
        said = " ".join(lines[1:-1] or lines)  # the reason stands between what was done and what to do about it
        yield f"its versions do not go together: {textwrap.shorten(said, _LONGEST_SHOWN, placeholder='…')}"
        return
    by_name = {pin.name: pin for pin in needed}
    for pin in locked:
        if by_name.pop(pin.name, None) is None:
            yield f"{pin} (line {pin.line}): nothing that is asked for needs it"
    yield from (f"{pin} is needed, and not in it" for pin in by_name.values())


def _yanked(found: dict[Pin, IndexFiles]) -> Iterator[str]:
    for pin, files in found.items():
        if files.yanked is not None:
            yield f"{pin} was yanked" + (f": {files.yanked}" if files.yanked else ".")


def _vendored(inputs: LockInputs) -> tuple[Vendored, ...]:
    """Return the wheels beside the lock, which was checked, with the sources that they were built from."""
    lock, target = inputs.locks.requirements or "", inputs.config.target
    sources = {record.file: source for record, source in asked_sources(lock, inputs.requirements, target).items()}
    return tuple(
        Vendored(
            source=sources[pin.file],
            path=wheels_directory(inputs) / pin.file,
            name=pin.name,
            version=pin.version or "",
            sha256=pin.hashes[0].removeprefix("sha256:"),
        )
        for pin in inputs.locks.pins
        if pin.file in sources
    )


def _built(inputs: LockInputs) -> tuple[BuiltWheel, ...]:
    """Return the wheels beside the lock, which was checked, that were built from archives of an index."""
    by_file = {record.file: record for record in built_records(inputs.locks.requirements or "")}
    return tuple(
        BuiltWheel(
            path=wheels_directory(inputs) / pin.file,
            name=pin.name,
            version=pin.version or "",
            sha256=pin.hashes[0].removeprefix("sha256:"),
            record=by_file[pin.file],
        )
        for pin in inputs.locks.pins
        if pin.file in by_file
    )


def _counted(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
