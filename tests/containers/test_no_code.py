"""Build the image of a model without an entry script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm
import pytest
from sklearn.datasets import load_diabetes

from .builders import Docker
from .container import container
from .projects import generate, mlpackage

if TYPE_CHECKING:
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

PYPROJECT = """
[project]
name = "no-code"
version = "1.0"

[tool.mlpackage]
base-image = "python:3.11-slim-bookworm"
pin-base-image = false

[[tool.mlpackage.models]]
name = "trees"
path = "trees.txt"
framework = "lightgbm"
"""


def test_the_image_has_all_that_the_model_needs(engine: Engine, tmp_path: Path, close_to) -> None:
    """From the model and its framework alone, the image installs everything that scoring needs."""
    data, target = load_diabetes(return_X_y=True, as_frame=True)
    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(data, target), 5)
    booster.save_model(tmp_path / "trees.txt")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    mlpackage(tmp_path, "lock")

    Docker(engine=engine, buildkit=False).build(generate(tmp_path, tmp_path / "context"), "no-code:1.0")

    rows = data.iloc[:3]
    with container(engine, "no-code:1.0") as running:
        running.wait_until_ready()
        assert running.score({"data": rows.to_dict("records")}) == close_to({"predict": booster.predict(rows).tolist()})
