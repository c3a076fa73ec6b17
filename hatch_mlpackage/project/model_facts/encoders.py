"""Read from a pickled estimator's encoders which columns take texts or categories, and a value that each one knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from hatch_mlpackage.project.model_facts.stand_ins import Made, first_of, state_of, step_of

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.budget import Budget

Example = bool | float | str

_VECTORIZERS = "sklearn.feature_extraction.text."
_TEXT = "some text"
_INDICES = "_transformer_to_input_indices"  # of a ColumnTransformer, since scikit-learn 1.0


def takes_text(estimator: object) -> bool:
    """Tell whether an estimator takes a list of texts, and no table."""
    return isinstance(estimator, Made) and estimator.type.startswith(_VECTORIZERS)


def examples_in(estimators: Iterable[object], budget: Budget) -> Mapping[int, Example]:
    """Return an example for each column that takes something other than any number, by the column's index.

    All the estimators see the same input.
    """
    found: dict[int, Example] = {}
    for estimator in estimators:
        state = state_of(estimator)
        for inner in (estimator, state.get("_preprocessor")):  # that of a histogram's gradient boosting
            for index, example in _examples(inner, budget):
                found.setdefault(index, example)
    return found


def _examples(estimator: object, budget: Budget) -> Iterator[tuple[int, Example]]:
    yield from _known(_of_encoder(estimator, budget))
    state = state_of(estimator)
    indices, parts = state.get(_INDICES), state.get("transformers_")
    if not isinstance(indices, dict) or not isinstance(parts, list):
        return
    for name, transformer, *_ in parts:
        budget.work()
        found = indices.get(name)
        columns = found if isinstance(found, list) else []
        for place, example in _known(_of_encoder(_encoder_in(transformer, budget), budget)):
            if place < len(columns) and isinstance(columns[place], int):
                yield columns[place], example


def _known(examples: Iterable[Example | None]) -> Iterator[tuple[int, Example]]:
    return ((index, example) for index, example in enumerate(examples) if example is not None)


def _encoder_in(transformer: object, budget: Budget) -> object:
    """Return the first step of a pipeline that knows categories or takes texts, or else the transformer."""
    steps = state_of(transformer).get("steps")
    for index in range(len(steps) if isinstance(steps, list) else 0):
        budget.work()
        step = step_of(transformer, index)
        if takes_text(step) or "categories_" in state_of(step):
            return step
    return transformer


def _of_encoder(encoder: object, budget: Budget) -> Iterator[Example | None]:
    """Yield an example for each column of an encoder's input."""
    if takes_text(encoder):
        yield _TEXT
    categories = state_of(encoder).get("categories_")
    for known in categories if isinstance(categories, list) else ():
        budget.work()
        yield first_of(known)
