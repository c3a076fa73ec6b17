"""Projects of one model each, without an entry script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_mlpackage.project.pyproject import Project, load_project


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Project]:
    """Give a function that writes a project around a model file that it has already."""

    def write(path: str, framework: str, more: str = "") -> Project:
        (tmp_path / "pyproject.toml").write_text(
            '[project]\nname = "model"\nversion = "1"\n\n[tool.mlpackage]\npin-base-image = false\n\n'
            f'[[tool.mlpackage.models]]\nname = "model"\npath = {json.dumps(path)}\nframework = "{framework}"\n{more}\n'
        )
        return load_project(tmp_path)

    return write


@pytest.fixture
def project_of(tmp_path: Path, declare: Callable[..., Project]) -> Callable[..., Project]:
    """Give a function that saves a model to a path and writes a project around it."""

    def write(path: str, framework: str, save: Callable[[Path], object], more: str = "") -> Project:
        save(tmp_path / path)
        return declare(path, framework, more)

    return write
