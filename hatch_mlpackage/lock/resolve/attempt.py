"""Run a resolver once, in a folder of its own, and check its output."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import Requirement

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.asked.requirements import AskedHashes, Requirements
from hatch_mlpackage.lock.pins.built_wheels import BuiltWheel
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, Pin, installed_pins
from hatch_mlpackage.lock.pins.wheel_records import Vendored
from hatch_mlpackage.lock.resolve.task import CONSTRAINTS, INPUT, KEPT, OUTPUT, Task
from hatch_mlpackage.project.target import Target
from hatch_mlpackage.redaction import has_credentials, redact

_MOST_SHOWN = 3  # hashes
_VIA = re.compile(r"    # via(?: .*|(?:\n    #   .*)+)\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What a resolver is asked: `preferred` is an earlier output to start from, without hashes.

    `fixed` maps the names of packages to the versions that they must have if they are needed; `built` are wheels of
    packages that must be these if they are needed. With `is_check` all
    versions are chosen already.
    """

    requirements: Requirements
    target: Target
    resolve: Callable[[Task], None]
    vendored: tuple[Vendored, ...] = ()
    built: tuple[BuiltWheel, ...] = ()
    preferred: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    upgrade: bool = False
    is_check: bool = False
    report: Callable[[str], None] = print


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """A resolver's output, and the pins in it, which were checked."""

    body: str
    pins: tuple[Pin, ...]


def resolve_once(attempt: Attempt) -> Resolved:
    """Run the resolver; raise LockError where there is no solution, UnavailableError where something outside failed."""
    try:
        with tempfile.TemporaryDirectory(prefix="mlpackage-lock-") as folder:
            task = Task(
                folder=Path(folder),
                requirements=attempt.requirements,
                target=attempt.target,
                upgrade=attempt.upgrade,
                report=attempt.report,
                is_check=attempt.is_check or bool(attempt.fixed or attempt.preferred),
            )
            _write_inputs(task, attempt)
            attempt.resolve(task)
            body = _without_kept(_by_path(file_text(task.folder / OUTPUT), (*attempt.vendored, *attempt.built)))
    except OSError as error:
        raise UnavailableError(f"The resolver could not be run in a temporary folder: {error.strerror}.") from error
    pins = _proven(body, attempt, folder)
    _require_vendored(pins, attempt.vendored)
    _require_built(pins, attempt.built)
    return Resolved(body=body, pins=pins)


def _write_inputs(task: Task, attempt: Attempt) -> None:
    # A resolver copies a URL's `#sha256=…` unread; without it the file itself is hashed, and then compared.
    # The vendored ones come last: the lines of the others, which annotations and errors count, stay the same.
    asked = [*map(_without_hash, task.requirements.requirements), *map(_as_file, attempt.vendored)]
    _write_lines(task.folder / INPUT, asked)
    _write_lines(task.folder / CONSTRAINTS, map(_without_hash, task.requirements.constraints))
    fixed = {name: f"{name}=={version}" for name, version in attempt.fixed.items()}
    fixed |= {wheel.name: f"{wheel.name} @ {wheel.path.absolute().as_uri()}" for wheel in attempt.built}
    _write_lines(task.folder / KEPT, fixed.values())
    if attempt.preferred:
        (task.folder / OUTPUT).write_text(attempt.preferred, encoding="utf-8", newline="\n")


def _without_kept(body: str) -> str:
    """Leave out of the comments that a version was kept, which is no reason for the package to be there."""
    return _VIA.sub(_asked_by, body)


def _asked_by(comment: re.Match[str]) -> str:
    needed = [one for one in re.findall(r"(?m)^    # (?:via |  )(\S.*)$", comment[0]) if one != f"-c {KEPT}"]
    if len(needed) == 1:
        return f"    # via {needed[0]}\n"
    return "".join(["    # via\n", *(f"    #   {one}\n" for one in needed)])


def _as_file(wheel: Vendored) -> str:
    extras = f"[{','.join(wheel.source.extras)}]" if wheel.source.extras else ""
    return f"{wheel.name}{extras} @ {wheel.path.absolute().as_uri()}"


def _by_path(body: str, wheels: Iterable[Vendored | BuiltWheel]) -> str:
    """Pin the wheels that no index has by their path beside the lock, because pip would ask an index for a name."""
    for wheel in wheels:
        pattern = rf"(?m)^{re.escape(wheel.name)} @ \S+(?=\s)"
        body = re.sub(pattern, f"./{WHEELS_FOLDER}/{wheel.path.name}", body)
    return body


def _without_hash(requirement: str) -> str:
    """Cut the fragment off a requirement's URL; a `#` in a marker stays."""
    return re.sub(r"^(\S+ @ [^\s#]+)#\S*", r"\1", requirement)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _proven(body: str, attempt: Attempt, folder: str) -> tuple[Pin, ...]:
    """Read a resolver's output back, and refuse a wrong file, a path of this machine or a credential in it."""
    requirements, target = attempt.requirements, attempt.target
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
    files = by_name | {wheel.name: _of_archive(wheel, by_name) for wheel in attempt.built if wheel.name in by_name}
    for asked in requirements.hashes:
        _require_hash(asked, files, target)
    return pins


def _of_archive(wheel: BuiltWheel, by_name: Mapping[str, Pin]) -> Pin:
    """Return the pin of a wheel that was built, with the hash of the archive, which is the file that the index has."""
    return replace(by_name[wheel.name], hashes=(wheel.record.digest,))


def _require_vendored(pins: tuple[Pin, ...], vendored: tuple[Vendored, ...]) -> None:
    """Check that each vendored wheel is pinned, and no package of its name from an index."""
    by_name = {pin.name: pin for pin in pins}
    for wheel in vendored:
        pin = by_name.get(wheel.name)
        if pin is None or (pin.version, pin.hashes) != (wheel.version, (f"sha256:{wheel.sha256}",)):
            raise LockError(f"The resolver did not take the wheel of {wheel.source.text}, but {pin or 'nothing'}.")


def _require_built(pins: tuple[Pin, ...], built: tuple[BuiltWheel, ...]) -> None:
    """Check that no package that was built comes from an index; one that nothing needs is not pinned."""
    by_name = {pin.name: pin for pin in pins}
    for wheel in built:
        pin = by_name.get(wheel.name)
        if pin is not None and pin.hashes != (f"sha256:{wheel.sha256}",):
            raise LockError(f"The resolver did not take {wheel.path.name}, which was built, but {pin}.")


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
