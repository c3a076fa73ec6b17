"""Find an interpreter of a certain Python version on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hatch_mlpackage.lock.resolve.uv import find_uv

_ASKED = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
_LONGEST = 30  # seconds


def find_python(version: str) -> str | None:
    """Return the path of a CPython `X.Y` that runs here: this one, or one of PATH, pyenv or uv; None for none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}" and sys.implementation.name == "cpython":
        return sys.executable
    return next((path for path in _candidates(version) if _runs(path, version)), None)


def _candidates(version: str) -> Iterator[str]:
    yield from filter(None, [shutil.which(f"python{version}")])
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), key=_patch_release, reverse=True))
    uv = find_uv()
    if uv is not None:
        command = [uv, "python", "find", "--no-config", "--no-python-downloads", "--no-project", version]
        yield from _output(command).splitlines()[:1]


def _patch_release(python: Path) -> tuple[int, ...]:
    """Return the numbers in the name of an interpreter's folder, so that 3.7.16 comes after 3.7.9."""
    return tuple(map(int, re.findall(r"\d+", python.parents[1].name)))


def _runs(path: str, version: str) -> bool:
    return _output([path, "-I", "-c", _ASKED]).strip() == f"cpython {version}"


def _output(command: list[str]) -> str:
    """Return what a program prints, or nothing where it fails, as a shim of pyenv does for a version not chosen."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout
