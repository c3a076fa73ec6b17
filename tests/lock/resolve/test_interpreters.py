from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_mlpackage.lock.resolve.interpreters import find_python


def program(path: Path, prints: str, status: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
    path.chmod(0o755)


@pytest.fixture
def pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder of pyenv, and have neither uv nor another program on PATH."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/bin")
    monkeypatch.setattr("hatch_mlpackage.lock.resolve.interpreters.find_uv", lambda: None)
    return tmp_path / "pyenv/versions"


def test_this_interpreter() -> None:
    """The interpreter that runs this is taken for its own version."""
    assert find_python(f"{sys.version_info.major}.{sys.version_info.minor}") == sys.executable


def test_the_newest_of_pyenv(pyenv: Path) -> None:
    """An interpreter of pyenv is taken if it runs and is what its folder says."""
    for patch in (9, 10):
        program(pyenv / f"2.0.{patch}/bin/python", "cpython 2.0")
    program(pyenv / "2.0.12/bin/python", "cpython 2.0", status=1)
    program(pyenv / "2.0.11/bin/python", "pypy 2.0")

    assert find_python("2.0") == str(pyenv / "2.0.10/bin/python")


def test_path_comes_first_and_a_shim_that_fails_is_passed_over(tmp_path: Path, pyenv: Path) -> None:
    """A program on PATH comes first, but a shim of pyenv for a version that is not chosen fails."""
    program(pyenv / "2.0.1/bin/python", "cpython 2.0")
    program(tmp_path / "path/python2.0", "pyenv: python2.0: command not found", status=127)
    assert find_python("2.0") == str(pyenv / "2.0.1/bin/python")

    program(tmp_path / "path/python2.0", "cpython 2.0")
    assert find_python("2.0") == str(tmp_path / "path/python2.0")


@pytest.mark.usefixtures("pyenv")
def test_none() -> None:
    """Nothing is taken, and nothing is downloaded, where no interpreter has the version."""
    assert find_python("2.0") is None


def test_a_real_one(interpreter: Callable[[str], str]) -> None:
    """An old CPython of this machine is found, and runs."""
    assert interpreter("3.7")
    said = subprocess.run([find_python("3.7") or "", "--version"], capture_output=True, text=True, check=True)

    assert said.stdout.startswith("Python 3.7.")
