"""Solve with py-rattler, as a program that reads and writes one JSON document and imports nothing of ours.

It runs in a process of its own that skips Python's clean-up, because py-rattler's threads run a moment longer than the
call, and an interpreter that ends meanwhile crashes (one run in ten with py-rattler 0.28).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from rattler import (
    BuildString,
    Channel,
    Gateway,
    GenericVirtualPackage,
    MatchSpec,
    PackageName,
    PackageRecord,
    RepoDataRecord,
    Version,
    solve,
)
from rattler.exceptions import FetchRepoDataError, GatewayError, InvalidChannelError, InvalidMatchSpecError, SolverError


def main() -> None:
    asked = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"packages": asyncio.run(_packages(asked))}
    except (SolverError, InvalidMatchSpecError, InvalidChannelError) as error:
        answer = {"unsolvable": str(error)}
    except (GatewayError, FetchRepoDataError, OSError) as error:
        answer = {"unreadable": str(error)}
    json.dump(answer, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


async def _packages(asked: dict[str, Any]) -> list[dict[str, str]]:
    """Return the url, sha256, md5 and license of each package, dependencies first; prefer the URLs in `kept`."""
    sources = [Channel(channel) for channel in asked["channels"]]
    gateway = Gateway()
    records = await solve(
        sources,
        [MatchSpec(spec) for spec in asked["specs"]],
        gateway=gateway,
        platforms=asked["platforms"],
        locked_packages=await _kept(gateway, sources, asked),
        virtual_packages=[
            GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
            for name, version, build in asked["virtual_packages"]
        ],
        channel_relations="disabled",
    )
    by_name = {record.name.normalized: record for record in sorted(records, key=lambda record: record.url)}
    ordered = PackageRecord.sort_topologically(list(by_name.values()))
    return [_described(by_name[record.name.normalized]) for record in ordered]


async def _kept(gateway: Gateway, sources: list[Channel], asked: dict[str, Any]) -> list[RepoDataRecord]:
    if not asked["kept"]:
        return []
    names = sorted({MatchSpec(name) for name in asked["kept"].values()}, key=str)
    found = await gateway.query(sources, asked["platforms"], names, recursive=False, channel_relations="disabled")
    return [record for source in found for record in source if record.url in asked["kept"]]


def _described(record: RepoDataRecord) -> dict[str, str]:
    return {
        "url": record.url,
        "sha256": (record.sha256 or b"").hex(),
        "md5": (record.md5 or b"").hex(),
        "license": " ".join((record.license or "").split()),
    }


if __name__ == "__main__":
    main()
