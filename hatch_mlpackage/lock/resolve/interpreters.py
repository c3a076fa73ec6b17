"""Find an interpreter of a given Python version on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hatch_mlpackage.lock.resolve.uv import find_uv

_VERSION = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
_PATIENCE = 30  # seconds


def find_python(version: str) -> str | None:
    """Return the path of a CPython `X.Y`: ours, one of pyenv, of PATH or of uv; None where there is none."""
    wanted = f"cpython {version}"
    return next((path for path in _candidates(version) if _answer(path, "-I", "-c", _VERSION) == wanted), None)


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, pyenv.glob(f"versions/{version}.*/bin/python"))
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    if uv := find_uv():
        yield _answer(uv, "python", "find", "--no-config", "--no-project", "--no-python-downloads", version)


def _answer(*command: str) -> str:
    """Return what a program prints, or "" where it fails: pyenv's shims do for versions that are not chosen."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
