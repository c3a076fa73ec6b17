from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def start(program: tuple[str, ...]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give a function that starts the command line as a separate process and stops it after the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, **settings: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*program, *map(str, arguments)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **settings},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.terminate()
        process.wait(20)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


@pytest.fixture
def run(program: tuple[str, ...]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs the command line in a folder, as a separate process, and waits for its end."""

    def call(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [*program, *arguments]
        variables = {**os.environ, **environment}
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)

    return call


@pytest.fixture(scope="session")
def everything() -> Callable[[Path], dict[str, object]]:
    """Give a function that maps each entry below a folder to its mode and to its bytes or its link's target."""

    def read(top: Path) -> dict[str, object]:
        return {
            str(path.relative_to(top)): (
                stat.S_IMODE(path.lstat().st_mode),
                path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None,
            )
            for path in top.rglob("*")
        }

    return read


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give a function that puts an engine on an otherwise empty PATH; it records its arguments, then runs `then`.

    When it is asked whether it works, it records nothing and runs `asked`.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", os.fspath(folder))

    def place(name: str, *, then: str = "exit 0", asked: str = "exit 0") -> Path:
        record = tmp_path / f"{name}.arguments"
        program = folder / name
        question = f'case "$*" in "ps --quiet" | "containers --quiet") {asked} ;; esac'
        program.write_text(f'#!/bin/sh\n{question}\nprintf "%s\\n" "$@" > "{record}"\n{then}\n')
        program.chmod(0o755)
        return record

    return place


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Give a function that makes stdout and stderr a terminal with colours, and returns that terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def attach() -> Terminal:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return attach
