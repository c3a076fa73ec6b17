"""Other interpreters of the machine, for tests that compare what they make."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def interpreter(version):
    """Find a CPython `X.Y` that runs, on PATH or where pyenv keeps them; without one the test is skipped."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    for candidate in candidates:
        if candidate and not subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode:
            return str(candidate)
    pytest.skip(f"CPython {version} is not on this machine")
