from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def run() -> Callable[..., Ended]:
    """Give a function that runs a program in a folder to its end and checks that it prints no traceback."""

    def call(command: list[str], cwd: Path, **options: Any) -> Ended:
        ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, **options)
        assert "Traceback" not in ended.stderr + ended.stdout
        return ended

    return call


@pytest.fixture(scope="session")
def succeed(run: Callable[..., Ended]) -> Callable[..., Ended]:
    """Give a function that runs a program in a folder and checks that it succeeds."""

    def call(command: list[str], cwd: Path, **options: Any) -> Ended:
        ended = run(command, cwd, **options)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended

    return call


@pytest.fixture(scope="session")
def everything() -> Callable[[Path], dict[str, object]]:
    """Give a function that returns every entry below a folder: path → (type and mode, mtime, contents)."""

    def read(folder: Path) -> dict[str, object]:
        found = {}
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            contents = path.read_bytes() if path.is_file() else None
            found[path.relative_to(folder).as_posix()] = (oct(status.st_mode), status.st_mtime_ns, contents)
        return found

    return read
