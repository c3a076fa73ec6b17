"""Test the model on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

PREDICTED = Path(__file__).resolve().parents[1] / "predicted.json"


def test_the_model_is_the_trained_one(
    score: ModuleType, sample: dict[str, Any], close_to: Callable[[Any], Any]
) -> None:
    """The loaded model predicts what the model predicted in train.py, perhaps on another machine."""
    predicted = json.loads(PREDICTED.read_text(encoding="utf-8"))

    assert score.run(**sample) == close_to(predicted)
