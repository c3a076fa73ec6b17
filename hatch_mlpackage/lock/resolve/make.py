"""Make a lock: run a resolver in a folder of its own, check its output, and put the header before it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.asked.requirements import AskedHashes, Requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, Pin, installed_pins, kept_pins
from hatch_mlpackage.lock.pins.wheel_records import Vendored, with_records
from hatch_mlpackage.lock.resolve import pip_tools, uv
from hatch_mlpackage.lock.resolve.task import CONSTRAINTS, INPUT, OUTPUT, Task
from hatch_mlpackage.project.target import Target
from hatch_mlpackage.redaction import has_credentials, redact

Locker = Literal["uv", "pip-tools"]
_MOST_SHOWN = 3  # hashes
_INSTALL = 'Install it with: pip install "hatch-mlpackage[cli]"'


def make_lock(
    requirements: Requirements,
    target: Target,
    *,
    locker: Locker = "uv",
    previous: str | None = None,
    upgrade: bool = False,
    report: Callable[[str], None] = print,
    vendored: tuple[Vendored, ...] = (),
) -> str:
    """Return the whole text of a lock for the image.

    Pins of `previous` are kept where they still fit, unless `upgrade`; `vendored` are the wheels of the sources.
    Raises LockError where the requirements cannot be locked, UnavailableError where the network or an index failed.
    """
    # The image installs from the indexes that the project names; the lock does not name those of this machine.
    options = "".join(f"{option}\n" for option in requirements.options if option != "--pre")
    if not requirements.requirements and not vendored:
        return with_header(options, requirements, target)
    resolve = _choose(locker, target, report)
    for note in requirements.notes:
        report(note)
    report(f"Locking {_counted(len(requirements.requirements) + len(vendored), 'requirement')} for {target}.")
    body, pins = _resolved(
        requirements,
        target,
        resolve,
        vendored,
        kept="" if upgrade else kept_pins(previous),
        upgrade=upgrade,
        report=report,
    )
    hashes = sum(len(pin.hashes) for pin in pins)
    report(f"Locked {_counted(len(pins), 'package')} with {_counted(hashes, 'hash', 'hashes')}.")
    return with_header(options + with_records(body, vendored), requirements, target)


def resolve_again(
    requirements: Requirements,
    target: Target,
    pins: Iterable[Pin],
    vendored: tuple[Vendored, ...],
    *,
    report: Callable[[str], None] = print,
) -> tuple[Pin, ...]:
    """Return the pins that the requirements need now, in the versions of the given pins; errors as above.

    LockError also means that these versions do not go together.
    """
    if not requirements.requirements and not vendored:
        return ()
    # As an earlier output, which a resolver starts from, they would only be preferred.
    fixed = (f"{pin.name}=={pin.version}" for pin in pins if pin.url is None and not pin.file)
    limited = replace(requirements, constraints=(*requirements.constraints, *fixed))
    resolve = _choose("uv", target, report)
    _, needed = _resolved(limited, target, resolve, vendored, kept="", upgrade=False, report=report, is_check=True)
    return needed


def _resolved(
    requirements: Requirements,
    target: Target,
    resolve: Callable[[Task], None],
    vendored: tuple[Vendored, ...],
    *,
    kept: str,
    upgrade: bool,
    report: Callable[[str], None],
    is_check: bool = False,
) -> tuple[str, tuple[Pin, ...]]:
    """Return a resolver's output, and the pins in it, which were checked."""
    try:
        with tempfile.TemporaryDirectory(prefix="mlpackage-lock-") as folder:
            task = Task(
                folder=Path(folder),
                requirements=requirements,
                target=target,
                upgrade=upgrade,
                report=report,
                is_check=is_check,
            )
            _write_inputs(task, vendored, kept)
            resolve(task)
            body = _by_path(file_text(task.folder / OUTPUT), vendored)
    except OSError as error:
        raise UnavailableError(f"The resolver could not be run in a temporary folder: {error.strerror}.") from error
    pins = _proven(body, requirements, target, folder)
    _require_vendored(pins, vendored)
    return body, pins


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _choose(locker: Locker, target: Target, report: Callable[[str], None]) -> Callable[[Task], None]:
    if locker == "uv" and uv.find_uv() is not None:
        return uv.resolve
    if not pip_tools.is_installed():
        wanted = "pip-tools" if locker == "pip-tools" else "uv"
        raise LockError(f"The resolver {wanted} is not installed. {_INSTALL}")
    pip_tools.require_host(target)
    if locker == "uv":
        report("uv is not installed: locking with pip-tools, which takes longer.")
    return pip_tools.resolve


def _write_inputs(task: Task, vendored: tuple[Vendored, ...], kept: str) -> None:
    # A resolver copies a URL's `#sha256=…` unread; without it the file itself is hashed, and then compared.
    # The vendored ones come last: the lines of the others, which annotations and errors count, stay the same.
    asked = [*map(_without_hash, task.requirements.requirements), *map(_as_file, vendored)]
    _write_lines(task.folder / INPUT, asked)
    _write_lines(task.folder / CONSTRAINTS, map(_without_hash, task.requirements.constraints))
    if kept:
        (task.folder / OUTPUT).write_text(kept, encoding="utf-8", newline="\n")


def _as_file(wheel: Vendored) -> str:
    extras = f"[{','.join(wheel.source.extras)}]" if wheel.source.extras else ""
    return f"{wheel.name}{extras} @ {wheel.path.absolute().as_uri()}"


def _by_path(body: str, vendored: tuple[Vendored, ...]) -> str:
    """Pin vendored wheels by their path beside the lock, because pip would ask an index for a name."""
    for wheel in vendored:
        pattern = rf"(?m)^{re.escape(wheel.name)} @ \S+(?=\s)"
        body = re.sub(pattern, f"./{WHEELS_FOLDER}/{wheel.path.name}", body)
    return body


def _without_hash(requirement: str) -> str:
    """Cut the fragment off a requirement's URL; a `#` in a marker stays."""
    return re.sub(r"^(\S+ @ [^\s#]+)#\S*", r"\1", requirement)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _proven(body: str, requirements: Requirements, target: Target, folder: str) -> tuple[Pin, ...]:
    """Read a resolver's output back, and refuse a wrong file, a path of this machine or a credential in it."""
    try:
        pins = installed_pins(body, target)
    except LockError as error:
        raise LockError(f"The resolver's output cannot be installed by hash: {redact(str(error))}.") from error
    if folder in body or has_credentials(body):
        raise LockError("The resolver wrote a path or a password of this machine: the lock is not kept.")
    by_name = {pin.name: pin for pin in pins}
    for requirement in map(Requirement, requirements.requirements):
        if not applies(requirement, target):
            continue
        pin = by_name.get(requirement.name)
        if pin is None:
            raise LockError(f"The resolver left {requirement} out, though it counts for {target}.")
        _require_same_file(requirement, pin)
    for asked in requirements.hashes:
        _require_hash(asked, by_name, target)
    return pins


def _require_vendored(pins: tuple[Pin, ...], vendored: tuple[Vendored, ...]) -> None:
    """Check that each vendored wheel is pinned, and no package of its name from an index."""
    by_name = {pin.name: pin for pin in pins}
    for wheel in vendored:
        pin = by_name.get(wheel.name)
        if pin is None or (pin.version, pin.hashes) != (wheel.version, (f"sha256:{wheel.sha256}",)):
            raise LockError(f"The resolver did not take the wheel of {wheel.source.text}, but {pin or 'nothing'}.")


def _require_hash(asked: AskedHashes, by_name: Mapping[str, Pin], target: Target) -> None:
    """Refuse a package of which no file has a hash that its line gives; the line may leave out files."""
    requirement = Requirement(asked.requirement)
    pin = by_name.get(requirement.name)
    if pin is None or not applies(requirement, target) or not set(asked.hashes).isdisjoint(pin.hashes):
        return
    raise LockError(
        f"{asked.where}: no file of {pin} has the hash that this line gives for {requirement}:\n"
        f"  given: {_shown(asked.hashes)}\n"
        f"  the index has: {_shown(pin.hashes)}\n"
        "Somebody may have replaced the files on the index. Ask where the hash comes from before you correct it."
    )


def _shown(hashes: Sequence[str]) -> str:
    more = len(hashes) - _MOST_SHOWN
    return ", ".join(hashes[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _require_same_file(requirement: Requirement, pin: Pin) -> None:
    wanted = "".join(re.findall(r"[#&]sha256=(\w+)", requirement.url or "")).lower()
    if wanted and f"sha256:{wanted}" not in pin.hashes:
        raise LockError(
            f"The file at the URL of {requirement.name} is not the one you named: sha256 {wanted} is asked for, "
            f"it has {', '.join(pin.hashes)}. Correct the URL or its `#sha256=`."
        )
