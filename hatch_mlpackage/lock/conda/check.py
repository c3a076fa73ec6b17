"""Write and read the text of a conda lock, and tell from it whether the lock still satisfies the conda file."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from hatch_mlpackage.lock.conda.explicit import (
    CondaPackage,
    read_conda_packages,
    write_explicit,
)
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
        unmet=lambda header, lock: _unmet(conda_packages_of(lock), asked, same_inputs=header.inputs == asked.digest()),
    )


def _unmet(packages: tuple[CondaPackage, ...], asked: CondaInputs, *, same_inputs: bool) -> Iterator[str]:
    for package in packages:
        if package.subdir not in {asked.subdir, "noarch"}:
            yield f"line {package.line}: {package.file} is for {package.subdir}, the image is {asked.subdir}"
    if asked.file.kind == "locked":
        yield from _not_the_same(packages, asked)
        return
    if asked.channel is None and not any(package.is_vendored for package in packages):
        yield from _other_channels(packages, asked)
    elif asked.channel is None or not all(package.is_vendored for package in packages):
        yield "its packages do not come from conda-channel"
    by_name = {package.name: package for package in packages}
    for spec in asked.specs:
        found = by_name.get(package_name(spec.text))
        if found is None:
            yield f"{spec.text} is asked for, the lock has no {package_name(spec.text)}"
        elif not _meets(found, spec.text, same_inputs=same_inputs):
            yield f"{spec.text} is asked for, the lock has {found.name} {found.version}"


def _not_the_same(packages: tuple[CondaPackage, ...], asked: CondaInputs) -> Iterator[str]:
    locked, wanted = {str(package) for package in packages}, {line.text for line in asked.specs}
    yield from (f"{asked.file.where(line)} is not in it" for line in asked.specs if line.text not in locked)
    for package in packages:
        if str(package) not in wanted:
            yield f"line {package.line}: {package.file} is not in {asked.file.path}"


def _other_channels(packages: tuple[CondaPackage, ...], asked: CondaInputs) -> Iterator[str]:
    """Yield each package whose URL is not one of a channel that the file names.

    The solver knows which server has the channels that are given by name. Here it has to be one server for all.
    """
    named = {spec.text.partition("::")[0] for spec in asked.specs if "::" in spec.text.partition(" ")[0]}
    channels = {channel.rstrip("/") for channel in (*asked.file.channels, *named)}
    servers: set[str] = set()
    for package in packages:
        base = package.url.removesuffix(f"/{package.subdir}/{package.file}")
        found = next((it for it in channels if base == it or ("://" not in it and base.endswith(f"/{it}"))), None)
        if found is None or not base.startswith("https://" if base != found else base):
            yield f"line {package.line}: {package.file} is not from a channel that {asked.file.path} names"
        elif base != found:
            servers.add(base.removesuffix(f"/{found}"))
    if len(servers) > 1:
        yield f"its packages of the channels without a URL are from several servers: {', '.join(sorted(servers))}"


def _meets(package: CondaPackage, spec: str, *, same_inputs: bool) -> bool:
    """Tell by the file's name, which shows nothing that a spec asks for in brackets.

    Such a spec counts as met only by a lock that was made for the same specs.
    """
    _, _, build = (*spec.partition("[")[0].split(), "", "", "")[:3]
    known = allows(spec, (package.version,)) and fnmatchcase(package.build, build or "*")
    return known and ("[" not in spec or same_inputs)
