"""Test the entry script by itself."""

from __future__ import annotations

import json
{% if cookiecutter._script.batches %}from collections.abc import Callable
{% endif %}from types import ModuleType
from typing import Any

{% if cookiecutter._script.batches %}
def test_one_answer_for_each_row(score: ModuleType, sample: dict[str, Any]) -> None:
    assert [len(score.run(**sample))] * len(sample) == [len(rows) for rows in sample.values()]


def test_rows_are_scored_alone(score: ModuleType, sample: dict[str, Any], close_to: Callable[[Any], Any]) -> None:
    """The answer to a row does not depend on the other rows of the request, apart from rounding."""
    row = {name: rows[:1] for name, rows in sample.items()}

    (alone,) = score.run(**row)

    assert score.run(**{name: rows * 2 for name, rows in row.items()}) == close_to([alone, alone])

{% endif %}
def test_answers_are_json(score: ModuleType, sample: dict[str, Any]) -> None:
    answers = score.run(**sample)

    assert json.loads(json.dumps(answers)) == answers
