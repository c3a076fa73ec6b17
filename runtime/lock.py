"""Renews `requirements/<X.Y>.txt`: the locks of the server's environment, one for each Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# The lock is made for the first and must hold for all of them: uv fails where a pin has no wheel.
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


def main() -> int:
    """Write every lock, and return 1 where a platform would need other pins."""
    status = 0
    for python in PYTHONS:
        lock = compile_lock(python, PLATFORMS[0], hashes=True)
        (FOLDER / "requirements" / f"{python}.txt").write_text(lock, encoding="utf-8")
        for platform in PLATFORMS[1:]:
            if pins(compile_lock(python, platform, hashes=False)) != pins(lock):
                print(f"{python} on {platform} needs other pins than on {PLATFORMS[0]}", file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
