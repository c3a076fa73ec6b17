from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements


@pytest.fixture
def asking() -> Callable[..., Requirements]:
    """Give a function that makes Requirements of inline requirements."""

    def ask(*inline: str) -> Requirements:
        problems = Problems()
        asked = read_requirements(Path(), (), inline, problems, "project.dependencies")
        problems.raise_if_any()
        return asked

    return ask
