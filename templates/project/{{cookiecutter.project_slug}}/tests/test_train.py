"""The model on disk."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

PREDICTED = Path(__file__).resolve().parents[1] / "predicted.json"


def test_the_model_is_the_trained_one(score: ModuleType, sample: dict[str, Any]) -> None:
    """What is loaded predicts what train.py saw its model predict."""
    assert score.run(sample["data"]) == json.loads(PREDICTED.read_text(encoding="utf-8"))
