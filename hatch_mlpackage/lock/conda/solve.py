"""Solves with py-rattler for the image's platform; the only place that loads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.redact import redact

from .explicit import CHANNEL_ROOT, Package
from .spec import name_of
from .vendored import proven_sha256
from .yaml_text import INSTALL

if TYPE_CHECKING:
    from rattler import RepoDataRecord

    from .asked import CondaInputs

T = TypeVar("T")
_NEWS_AFTER = 15.0  # seconds
_LONGEST_REASON = 14  # lines


def solve(asked: CondaInputs, previous: Sequence[Package], report: Callable[[str], None]) -> tuple[Package, ...]:
    """Return the packages, dependencies first; those of `previous` are kept where they still fit.

    Raises LockError where there is no solution, UnavailableError where a channel cannot be read.
    """
    try:
        import rattler  # noqa: PLC0415 - an extra: absent where only a lock is read
        from rattler import exceptions  # noqa: PLC0415
    except ImportError as error:
        raise LockError(f"Solving a conda file needs py-rattler, which is not installed here. {INSTALL}") from error
    try:
        records = asyncio.run(_telling(_solve(asked, previous), report))
    except exceptions.SolverError as error:
        _fail(asked, str(error))
    except (exceptions.InvalidMatchSpecError, exceptions.InvalidChannelError) as error:
        raise LockError(f"{asked.file.path} cannot be solved: {redact(str(error))}.") from error
    except (exceptions.GatewayError, exceptions.FetchRepoDataError, OSError) as error:
        if asked.channel:
            raise LockError(
                f"The vendored channel cannot be read:\n  {_first_lines(str(error))}\n"
                "It needs the packages in a folder for each platform, noarch too, and their index: `conda index`."
            ) from error
        raise UnavailableError(
            f"A conda channel cannot be read:\n  {_first_lines(str(error))}\n"
            "Check the network and the channels' names, and try again."
        ) from error
    by_name = {record.name.normalized: record for record in sorted(records, key=lambda record: record.url)}
    ordered = rattler.PackageRecord.sort_topologically(list(by_name.values()))
    return tuple(_package(by_name[record.name.normalized], asked.channel) for record in ordered)


async def _solve(asked: CondaInputs, previous: Sequence[Package]) -> list[RepoDataRecord]:
    from rattler import (  # noqa: PLC0415 - an extra
        BuildString,
        Channel,
        Gateway,
        GenericVirtualPackage,
        MatchSpec,
        PackageName,
        Version,
        solve as rattler_solve,
    )

    channels = [asked.channel.as_uri()] if asked.channel else asked.file.channels
    sources = [Channel(channel) for channel in channels]
    platforms: Any = [asked.subdir, "noarch"]
    gateway = Gateway()
    virtual = [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
        for name, version, build in asked.virtual_packages()
    ]
    kept: list[RepoDataRecord] = []
    if previous:
        names = [MatchSpec(package.name) for package in previous]
        found = await gateway.query(sources, platforms, names, recursive=False, channel_relations="disabled")
        urls = {package.url for package in previous}
        kept = [record for source in found for record in source if _shown_url(record.url, asked.channel) in urls]
    return await rattler_solve(
        sources,
        [MatchSpec(_without_channel(spec.text) if asked.channel else spec.text) for spec in asked.specs],
        gateway=gateway,
        platforms=platforms,
        locked_packages=kept,
        virtual_packages=virtual,
        channel_relations="disabled",
    )


def _without_channel(spec: str) -> str:
    words = spec.split(" ", maxsplit=1)
    return " ".join((name_of(spec), *words[1:]))


async def _telling(work: Coroutine[Any, Any, T], report: Callable[[str], None]) -> T:
    task = asyncio.ensure_future(work)
    waited = 0.0
    while not (await asyncio.wait([task], timeout=_NEWS_AFTER))[0]:
        waited += _NEWS_AFTER
        report(f"Still solving after {waited:.0f} seconds.")
    return task.result()


def _shown_url(url: str, channel: Path | None) -> str:
    """Return a package's URL, that of a vendored one as the build's first stage has it."""
    root = channel.as_uri() if channel else ""
    return f"{CHANNEL_ROOT}{url.removeprefix(root)}" if root and url.startswith(f"{root}/") else url


def _package(record: RepoDataRecord, channel: Path | None) -> Package:
    url = _shown_url(record.url, channel)
    subdir, file = url.split("/")[-2:]
    sha256, md5 = (record.sha256 or b"").hex(), (record.md5 or b"").hex()
    if channel:
        sha256 = proven_sha256(channel / subdir / file, sha256)
    if not sha256 and not md5:
        raise LockError(f"The channel gives no hash for {redact(url)}: it cannot be locked.")
    return Package(url=url, subdir=subdir, file=file, sha256=sha256, md5="" if sha256 else md5)


def _fail(asked: CondaInputs, reason: str) -> NoReturn:
    given = ", ".join(f"{name}={version}" for name, version, _ in asked.virtual_packages())
    raise LockError(
        f"{asked.file.path} cannot be solved for {asked.subdir} ({given}):\n  {_first_lines(redact(reason))}\n"
        "Loosen one of these, name the channel that has it, or change the image, and run `mlpackage lock` again."
    )


def _first_lines(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n  ".join(lines[:_LONGEST_REASON] + (["…"] if len(lines) > _LONGEST_REASON else []))
