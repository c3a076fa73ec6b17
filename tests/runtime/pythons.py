"""Find the Pythons of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def interpreter(version: str) -> str:
    """Return an interpreter of a version, or an empty string: from PATH, or where pyenv keeps them."""
    pyenv = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(Path(pyenv).glob(f"versions/{version}.*/bin/python"))),
    ]
    for candidate in filter(None, candidates):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)
        if ran.stdout.strip() == version:
            return candidate
    return ""
