"""Install an explicit conda lock with py-rattler: `python install.py <lock> <channel> <prefix>`, in the image's build.

Every package is compared with its hash here, before anything of it is unpacked: the installer does not for `file://`.
What is not in the channel's folder is downloaded into it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rattler import RepoDataRecord, install

BLOCK = 1 << 20
DOWNLOADS = 8  # at a time


def main(lock: Path, channel: Path, prefix: Path) -> int:
    """Return the exit status: 0 installed, 1 a package cannot be had or is not the one that was locked."""
    lines = [line.strip() for line in lock.read_text(encoding="utf-8").splitlines()]
    entries = [line.rpartition("#")[::2] for line in lines if line and not line.startswith(("#", "@"))]
    packages = [channel.joinpath(*url.split("/")[-2:]) for url, _ in entries]
    try:
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(prove, packages, *zip(*entries, strict=True)))
    except (OSError, ValueError) as error:
        print(f"mlpackage: {error}", file=sys.stderr, flush=True)
        return 1
    asyncio.run(link(packages, channel / "unpacked", prefix))
    return 0


def prove(package: Path, url: str, expected: str) -> None:
    """Download the package unless it is there, and raise ValueError where its hash is not the locked one."""
    if not url.startswith("file:"):
        package.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=60) as response, package.open("wb") as file:  # noqa: S310 - as locked
            while block := response.read(BLOCK):
                file.write(block)
    algorithm, prefix = ("sha256", "sha256:") if expected.startswith("sha256:") else ("md5", "")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with package.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    found = prefix + digest.hexdigest()
    if found != expected:
        raise ValueError(f"{url} is not the locked package: it has {found} instead of {expected}")


async def link(packages: list[Path], unpacked: Path, prefix: Path) -> None:
    """Make the environment; `unpacked` is the same in every build, as the environment's records name it."""
    records = [await RepoDataRecord.from_package_archive(package) for package in packages]
    await install(records, target_prefix=prefix, cache_dir=unpacked, execute_link_scripts=True, show_progress=False)


if __name__ == "__main__":
    # The installer's threads outlive it for a moment, and an interpreter that ends meanwhile crashes.
    os._exit(main(*map(Path, sys.argv[1:])))
