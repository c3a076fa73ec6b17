"""Renew `requirements/`: one lock of the server's environment for each Python, and the licences of the pins.

Needs hatch-mlpackage[cli] installed, and a package index.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hatch_mlpackage.lock.pins.packages import PACKAGES
from hatch_mlpackage.lock.wheels.describe import describe_packages
from hatch_mlpackage.project.target import Target

FOLDER = Path(__file__).parent
LOCKS = FOLDER / "requirements"
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# A lock is resolved for the first platform and must hold for the others; uv fails where a pin has no wheel.
PLATFORMS = (
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
)


def compile_lock(python: str, platform: str, *, hashes: bool) -> str:
    """Return the lock of the server's environment for a Python and a platform."""
    command = ["uv", "pip", "compile", "--quiet", "--no-config", "--no-header", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", platform, "requirements.in"]
    if hashes:
        command.append("--generate-hashes")
    ran = subprocess.run(command, cwd=FOLDER, check=True, stdout=subprocess.PIPE, text=True)
    return ran.stdout


def pins(lock: str) -> list[str]:
    return sorted(line.split()[0] for line in lock.splitlines() if "==" in line and not line.startswith(" "))


def licenses(python: str) -> dict[str, dict[str, str]]:
    """Return the licence of each pin, as the index has it, in the form of a project's `packages.json`."""
    target = Target(python=python, platform="linux/amd64", libc="manylinux_2_28")
    lock = (LOCKS / f"{python}.txt").read_text(encoding="utf-8")
    with TemporaryDirectory() as name:
        described = describe_packages(lock, target, folder=Path(name), wheels=Path(name))
    return {f"{package.name}=={package.version}": {"license": package.license} for package in described}


def write_licenses() -> None:
    """Write the licences that the bill of materials gives for the server's packages."""
    found = {pin: facts for python in PYTHONS for pin, facts in licenses(python).items()}
    (LOCKS / PACKAGES).write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_lock(python: str) -> list[str]:
    """Write the lock for a Python, and return the platforms that need other pins."""
    lock = compile_lock(python, PLATFORMS[0], hashes=True)
    (LOCKS / f"{python}.txt").write_text(lock, encoding="utf-8")
    return [name for name in PLATFORMS[1:] if pins(compile_lock(python, name, hashes=False)) != pins(lock)]


def main() -> int:
    """Write every lock, and return 1 where a platform needs other pins."""
    differing = [(python, platform) for python in PYTHONS for platform in write_lock(python)]
    for python, platform in differing:
        print(f"Python {python} on {platform} needs other pins than on {PLATFORMS[0]}.", file=sys.stderr)
    write_licenses()
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
