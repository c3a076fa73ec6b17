"""Make base images that carry old Pythons, and the image that has the server's, in place of the official ones.

The interpreters are those that pyenv keeps on the machine, on the tests' own base image. As in the official images, the
server's interpreter finds its shared library beside itself and has no symbols, and the model's is known to ldconfig.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .base_image import NAME
from .engine import Engine, run

IMAGES = {"3.6": "python:3.6-slim-bullseye", "3.7": "python:3.7-slim-bookworm"}
SERVER_PYTHON = "3.13"
_SERVER_IMAGES = ("python:3.13-slim-bullseye", "python:3.13-slim-bookworm")
_LEFT_OUT = ("test", "config-*", "*.a", "__pycache__", "site-packages", "share", "include")


def interpreter(version: str) -> Path:
    """Return the folder of pyenv's interpreter of a version; skip the test where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(pyenv.glob(f"versions/{version}.*"))
    return found[-1] if found else pytest.skip(f"pyenv has no Python {version} here")


def make_images(engine: Engine, folder: Path) -> None:
    """Make the images with the names that a project gets by default."""
    for version, name in IMAGES.items():
        _make(engine, folder / version, version, name)
    _make(engine, folder / SERVER_PYTHON, SERVER_PYTHON, _SERVER_IMAGES[0], is_relocatable=True)
    for name in _SERVER_IMAGES[1:]:
        engine.run("tag", _SERVER_IMAGES[0], name)


def _make(engine: Engine, folder: Path, version: str, name: str, *, is_relocatable: bool = False) -> None:
    place = folder / "python"
    shutil.copytree(interpreter(version), place, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (place / f"lib/python{version}/site-packages").mkdir()
    program = place / f"bin/python{version}"
    if is_relocatable:
        run(["patchelf", "--set-rpath", "$ORIGIN/../lib", str(program)])
    libraries = [str(path) for path in place.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    subprocess.run(["strip", "--strip-all", str(program), *libraries], check=True)
    (folder / "Dockerfile").write_text(f"FROM {NAME}\nCOPY python/ /usr/local/\nRUN ldconfig\n")
    engine.run("build", "--tag", name, folder, environment={"DOCKER_BUILDKIT": "0"})
