"""Write and read the text of a conda lock, and tell from it whether the lock still satisfies the conda file."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from hatch_mlpackage.lock.conda.explicit import CondaPackage, read_conda_packages, write_explicit
from hatch_mlpackage.lock.conda.inputs import CondaInputs
from hatch_mlpackage.lock.conda.spec import allows, package_name
from hatch_mlpackage.lock.pins.check import LockState, judge
from hatch_mlpackage.lock.pins.header import SCHEMA, digest


def with_conda_header(packages: tuple[CondaPackage, ...], asked: CondaInputs) -> str:
    """Return the whole text of a conda lock."""
    body = write_explicit(packages, asked.subdir)
    target = asked.target
    return (
        f"# Locked for {asked.subdir} from {asked.file.path} by hatch-mlpackage; renew with: mlpackage lock\n"
        f"# mlpackage-lock: schema={SCHEMA} python={target.python} platform={target.platform} libc={target.libc} "
        f"inputs={asked.digest()} body={digest(body)}\n{body}"
    )


@lru_cache(maxsize=4)
def conda_packages_of(text: str) -> tuple[CondaPackage, ...]:
    """Return the packages of a conda lock; raise LockError at a line that is not one."""
    return read_conda_packages(text.replace("\r\n", "\n"))


def check_conda_lock(text: str | None, asked: CondaInputs) -> LockState:
    """Compare a conda lock's text, or None for no file, with what the project asks for now."""
    return judge(
        text,
        asked.target,
        asked.digest(),
        read=conda_packages_of,
        unmet=lambda _, lock: _unmet(conda_packages_of(lock), asked),
    )


def _unmet(packages: tuple[CondaPackage, ...], asked: CondaInputs) -> Iterator[str]:
    if asked.file.kind == "locked":
        locked = {str(package) for package in packages}
        yield from (f"{asked.file.where(line)} is not in it" for line in asked.specs if line.text not in locked)
        return
    if any(package.is_vendored for package in packages) != (asked.channel is not None):
        yield "its packages do not come from conda-channel"
    by_name = {package.name: package for package in packages}
    for spec in asked.specs:
        package = by_name.get(package_name(spec.text))
        if package is None:
            yield f"{spec.text} is asked for, the lock has no {package_name(spec.text)}"
        elif not _meets(package, spec.text):
            yield f"{spec.text} is asked for, the lock has {package.name} {package.version}"


def _meets(package: CondaPackage, spec: str) -> bool:
    """Tell by the file's name, which shows nothing that a spec asks for in brackets: such a spec counts as unmet."""
    _, _, build = (*spec.split(), "", "")[:3]
    return "[" not in spec and allows(spec, (package.version,)) and fnmatchcase(package.build, build or "*")
