"""Test the entry script by itself."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest


def test_one_answer_for_each_row(score: ModuleType, sample: dict[str, Any]) -> None:
    assert len(score.run(sample["data"])) == len(sample["data"])


def test_rows_are_scored_alone(score: ModuleType, sample: dict[str, Any]) -> None:
    """The answer to a row does not depend on the other rows of the request, apart from rounding."""
    row = sample["data"][0]

    (alone,) = score.run([row])

    # Libraries of linear algebra may add up a batch of two rows in another order than a batch of one.
    assert score.run([row, row]) == [pytest.approx(alone, rel=1e-4, abs=1e-6)] * 2


def test_answers_are_json(score: ModuleType, sample: dict[str, Any]) -> None:
    answers = score.run(sample["data"])

    assert json.loads(json.dumps(answers)) == answers
