from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project import Project

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"

MakeProject = Callable[..., Project]


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Give a function that writes a small valid project and returns it, with the table changed as asked."""

    def make(table: Mapping[str, Any] | None = None, **project: Any) -> Project:
        root = tmp_path / "project"
        (root / "src").mkdir(parents=True)
        (root / "models").mkdir()
        (root / "src/score.py").write_text(SCRIPT)
        (root / "models/ridge.pkl").write_bytes(b"ridge")
        complete = {
            "entry-script": "src/score.py",
            "models": [{"name": "ridge", "path": "models/ridge.pkl"}],
            **(table or {}),
        }
        return Project(root=root, name="diabetes", version="1.0", table=complete, **project)

    return make
