from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_mlpackage.cli.bake import bake

PATIENCE = 300


@pytest.fixture
def baked(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that bakes a project with the given answers and returns its folder."""

    def make(name: str = "my-model", *, model: Path | None = None, **answers: object) -> Path:
        bake({"project_slug": name, **answers}, tmp_path / name, model=model)
        return tmp_path / name

    return make


@pytest.fixture
def succeed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Give a function that runs a program of this environment and returns what it printed; it has to succeed."""
    caches = tmp_path_factory.getbasetemp() / "tools"
    settings = {"MYPY_CACHE_DIR": str(caches / "mypy"), "RUFF_CACHE_DIR": str(caches / "ruff")}

    def run(folder: Path, *command: str, **variables: str) -> str:
        outcome = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, **settings, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    return run
