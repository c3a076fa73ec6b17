"""Write the demo's little project: an ordinary one, with nothing that any other project could not do."""

from __future__ import annotations

import os
import platform
import string
import sys
import tempfile
from pathlib import Path

from hatch_mlpackage.lock.index_settings import for_uv
from hatch_mlpackage.resources import templates_directory

_FILES = ("pyproject.toml", ".gitignore", "src/score.py", "train.py")
_FILLED = frozenset({"pyproject.toml"})
_ARM = frozenset({"arm64", "aarch64"})


def write_project(folder: Path) -> tuple[str, ...]:
    """Write the project, for an image of the running Python on this machine's architecture; return the files' names.

    The lock for that image then installs here too.
    """
    values = {
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "platform": "linux/arm64" if platform.machine().lower() in _ARM else "linux/amd64",
    }
    for name in _FILES:
        text = (templates_directory() / "demo" / name).read_text(encoding="utf-8")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(string.Template(text).substitute(values) if name in _FILLED else text, encoding="utf-8")
    return _FILES


def uv_environment() -> dict[str, str]:
    """Return the environment in which uv asks the indexes that are set for pip, where none are set for uv itself."""
    with tempfile.TemporaryDirectory() as unused:  # uv reads its own configuration where that is
        environment, arguments = for_uv(os.environ, Path(unused))
    return {**environment, **({"UV_NO_INDEX": "1"} if "--no-index" in arguments else {})}
