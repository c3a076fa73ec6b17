"""Find out what the project template must know of a model that the user trained elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hatch_mlpackage.cli.bake import questions
from hatch_mlpackage.cli.errors import print_notes
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.read import READERS, read_facts

_SUFFIXES = {
    "sklearn": (".joblib", ".pickle", ".pkl"),
    "onnx": (".onnx",),
    "pytorch": (".pt", ".pt2"),
    "xgboost": (".json", ".ubj"),
    "lightgbm": (".txt",),
}
_NO_FRAMEWORK = "python"  # the template's own model of plain Python: no other model is read like it


def about_own_model(model: Path, framework: str | None, features: int | None, *, asking: bool) -> dict[str, Any]:
    """Return the template's settings for a model, from the model's file and, if `asking`, from the user.

    Raises UsageError when the framework or the number of features stays unknown.
    """
    framework = framework or framework_of(model)
    if framework is None or framework == _NO_FRAMEWORK:
        readers = ", ".join(key for key in questions()[0].choices if key != _NO_FRAMEWORK)
        raise click.UsageError(f"Say which framework reads {model}: give --framework with one of {readers}.")
    facts, why_not = _read_facts(model, framework)
    count = features or _feature_count(facts)
    if features and why_not:
        unread = f"what its file says is left out{why_not}."
        print_notes([Problem(where=str(model), what=unread, fix="Pin what made it yourself.", level="hint")])
    if count is None and asking:
        count = int(click.prompt("Numbers in a row of the model's input", type=click.IntRange(min=1)))
    if count is None:
        raise click.UsageError(f"{model} does not say how many numbers a row has{why_not}: give --features N.")
    return {
        "framework": framework,
        "_own_model": model.name,
        "_pins": {name: f"=={version.partition('+')[0]}" for name, version in facts.versions.items()},
        "_sample": {"data": [[0.0] * count]},
    }


def framework_of(model: Path) -> str | None:
    """Return the framework whose models have such a suffix, None where it is not clear."""
    suffix = model.suffix.lower()
    return next((name for name, suffixes in _SUFFIXES.items() if suffix in suffixes), None)


def _read_facts(model: Path, framework: str) -> tuple[ModelFacts, str]:
    """Read what a model's file says of itself, and, for a file that cannot be read, the reason as a clause."""
    if framework not in READERS:
        return ModelFacts(), ""
    try:
        return read_facts(framework, model), ""
    except UnreadableModelError as error:
        return ModelFacts(), f", as {error}"


def _feature_count(facts: ModelFacts) -> int | None:
    """Return how many numbers a row has, or None unless the model takes rows of numbers and nothing else."""
    shapes = [tensor.shape for tensor in facts.inputs]
    if facts.feature_count is None and len(shapes) == 1 and shapes[0] and len(shapes[0]) > 1 and shapes[0][-1] > 0:
        return shapes[0][-1]
    return facts.feature_count
