"""The entry script by itself."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any


def test_one_answer_for_each_row(score: ModuleType, sample: dict[str, Any]) -> None:
    assert len(score.run(sample["data"])) == len(sample["data"])


def test_rows_are_scored_alone(score: ModuleType, sample: dict[str, Any]) -> None:
    """The answer to a row does not depend on its neighbours in the request."""
    row = sample["data"][0]

    assert score.run([row, row]) == score.run([row]) * 2


def test_answers_are_json(score: ModuleType, sample: dict[str, Any]) -> None:
    answers = score.run(sample["data"])

    assert json.loads(json.dumps(answers)) == answers
