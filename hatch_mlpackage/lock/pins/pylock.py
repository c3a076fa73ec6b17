"""Select from a `pylock.toml` (PEP 751) what the image needs, without a network or a resolver.

https://packaging.python.org/specifications/pylock-toml/
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.parse import parse_toml
from hatch_mlpackage.lock.asked.markers import applies, marker_environment
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.pins.pylock_hashes import no_pylock
from hatch_mlpackage.lock.pins.wheel_tags import supported_tags
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock
    from packaging.tags import Tag

_SHA256 = re.compile("[0-9a-f]{64}")
_LONGEST_SHOWN = 160
_INSTEAD = 'Leave them to `mlpackage lock`, which resolves the requirements anew with pylock = "none".'
# Each: the attribute of a package that has no wheel from an index, and what it is instead.
_NOT_ON_AN_INDEX = (
    ("vcs", "comes from a repository"),
    ("directory", "is a folder of the machine that locked"),
    ("archive", "is an archive that no index has"),
)


class Selected(NamedTuple):
    """A package for the image: its name, its version, and the `algorithm:hexdigest` of each wheel that loads there."""

    name: str
    version: str
    hashes: tuple[str, ...]


def select_lock(
    content: bytes,
    requirements: Requirements,
    target: Target,
    *,
    project: str,
    report: Callable[[str], None] = print,
) -> str:
    """Return the whole text of a lock with the pins and hashes that a pylock has for the image.

    `project` is the project's own name: its entry is left out, because the context carries the project's code by other
    means. Raises LockError with every package that cannot be taken, or every requirement that is not met.
    """
    options = "".join(f"{option}\n" for option in requirements.options if option != "--pre")
    return with_header(options + _select(content, requirements, target, project, report), requirements, target)


def _select(
    content: bytes, requirements: Requirements, target: Target, project: str, report: Callable[[str], None]
) -> str:
    path, digest = requirements.pylock or ("pylock.toml", "")
    pylock = _parse(content, path)
    wrong: list[str] = []
    chosen: list[Selected] = []
    for package in _packages(pylock, path, target):
        if package.name == project:
            report(f"{path}: {project} itself is left out; `install-project = true` installs it.")
        elif found := _take(package, target, wrong):
            chosen.append(found)
    if wrong:
        raise LockError("\n  ".join((f"{path} cannot be used for {target}:", *wrong)) + f"\n{_INSTEAD}")
    _require_answers(chosen, requirements, target, path)
    report(f"Selected {len(chosen)} of the {len(pylock.packages)} packages in {path} for {target}.")
    lines = (f"{it.name}=={it.version}" + "".join(f" \\\n    --hash={one}" for one in it.hashes) for it in chosen)
    return f"# selected: {path} {digest}\n" + "".join(f"{line}\n" for line in sorted(lines))


def _parse(content: bytes, path: str) -> Pylock:
    try:
        from packaging import pylock  # noqa: PLC0415 - newer than the oldest release that all else works with

        select_is_there = hasattr(pylock.Pylock, "select")
    except ImportError:
        select_is_there = False
    if not select_is_there:
        raise LockError(f'{path} is read by packaging 26.1 or newer: pip install "packaging>=26.1"')
    try:
        return pylock.Pylock.from_dict(parse_toml(content.decode("utf-8")))
    except (ValueError, pylock.PylockValidationError) as error:
        raise no_pylock(content, path, error) from error


def _packages(pylock: Pylock, path: str, target: Target) -> Iterator[Package]:
    """Yield the packages that the image installs, whether or not their wheels load there."""
    from packaging.pylock import PylockSelectError  # noqa: PLC0415

    every = {tag for package in pylock.packages for wheel in package.wheels or () for tag in _tags(wheel)}
    environment: Any = marker_environment(target) | {"python_full_version": _full_version(pylock, target)}
    try:
        yield from (package for package, _ in pylock.select(environment=environment, tags=sorted(every, key=str)))
    except PylockSelectError as error:
        raise LockError(
            f"{path} is not for {target}: {error}. Lock it for the image's Python, or change python-version."
        ) from error


def _full_version(pylock: Pylock, target: Target) -> str:
    """Assume the first patch release of the image's Python that the file allows: Hatch writes the one it ran on."""
    patches = (f"{target.python}.{patch}" for patch in range(100))
    allowed = pylock.requires_python
    return next((full for full in patches if allowed is None or allowed.contains(full)), f"{target.python}.0")


def _take(package: Package, target: Target, wrong: list[str]) -> Selected | None:
    kind = next((said for attribute, said in _NOT_ON_AN_INDEX if getattr(package, attribute) is not None), None)
    if kind is None and not package.wheels:
        kind = "has a source archive and no wheel"
    if kind is not None:
        wrong.append(f"{package.name} {kind}")
        return None
    loading = [wheel for wheel in package.wheels or () if _rank(wheel, target) is not None]
    if not loading:
        wrong.append(f"{package.name} {package.version or ''} has no wheel for it, but {_listing(package)}")
        return None
    digests = {wheel.hashes.get("sha256") or "" for wheel in loading}
    hashes = {f"sha256:{digest}" for digest in digests if _SHA256.fullmatch(digest)}
    if not hashes:
        wrong.append(f"{package.name} has no sha256")
        return None
    best = min(loading, key=lambda wheel: _rank(wheel, target) or 0)
    version = package.version or parse_wheel_filename(best.filename)[1]
    return Selected(package.name, str(version), tuple(sorted(hashes)))


def _rank(wheel: Any, target: Target) -> int | None:
    """Rank how well a wheel fits, 0 being the best; return None for a wheel that does not load."""
    order = _order(target)
    return min((order[tag] for tag in _tags(wheel) if tag in order), default=None)


@cache
def _order(target: Target) -> dict[Tag, int]:
    return {tag: number for number, tag in enumerate(supported_tags(target))}


def _tags(wheel: Any) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(wheel.filename)[3]
    except InvalidWheelFilename:
        return frozenset()


def _listing(package: Package) -> str:
    files = sorted(re.sub(r"^[^-]+-[^-]+-|\.whl$", "", wheel.filename) for wheel in package.wheels or ())
    return textwrap.shorten(", ".join(files), _LONGEST_SHOWN, placeholder=" …")


def _require_answers(chosen: list[Selected], requirements: Requirements, target: Target, path: str) -> None:
    by_name = {it.name: it for it in chosen}
    missing = [f"{source.text} is asked for, and has to be built" for source in requirements.sources]
    for text in requirements.requirements:
        requirement = Requirement(text)
        found = by_name.get(requirement.name)
        if not applies(requirement, target):
            continue
        if found is None:
            missing.append(f"{text} is asked for, {path} has no {requirement.name}")
        elif requirement.url is not None or not requirement.specifier.contains(found.version, prereleases=True):
            missing.append(f"{text} is asked for, {path} has {found.name} {found.version}")
    if missing:
        raise LockError(
            "\n  ".join((f"{path} does not answer the requirements:", *missing))
            + f'\nLock them anew with the tool that made {path}, or resolve them anew with pylock = "none".'
        )
