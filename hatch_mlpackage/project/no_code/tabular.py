"""Serve models that take rows of features: scikit-learn, skops, XGBoost, LightGBM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS
from hatch_mlpackage.project.no_code.generated import NoCode, generate
from hatch_mlpackage.project.no_code.literals import literal, texts, zero

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts


def write(model: Model, facts: ModelFacts) -> NoCode:
    framework = FRAMEWORKS[model.framework or ""]
    array = model.inputs[0] if len(model.inputs) == 1 and model.inputs[0].shape else None  # instead of named columns
    features = () if array else tuple(given.name for given in model.inputs) or facts.features
    count = array.shape[-1] if array else facts.feature_count
    values = {
        "categories": facts.categories,
        "count": 0 if count is None or count < 0 else count,
        "dtype": "" if array is None or array.type == "float64" else f", dtype=np.{array.type}",
        "features": texts(features, name="FEATURES") if features else "",
        "label": literal(facts.label),
        "skops": model.framework == "skops",
        "trusted": model.allow_pickle,
        "record": _record(model),
    }
    takes_frames = "scikit-learn" in {framework.distribution, *framework.brings}
    extra = {"pandas": "the model was trained with named columns"} if features and takes_frames else {}
    sample = {"data": _sample(model, features, count)}
    names = (framework.distribution, *framework.brings)
    versions = ", ".join(facts.versions[name] for name in names if name in facts.versions) or "of an unknown version"
    about = f"{framework.title} {versions}{_size(features, count)}"
    return generate(model, facts, values, sample=sample, about=about, extra=extra)


def _record(model: Model) -> str:
    """Write a sample record: numbers, except in columns that are declared to hold something else."""
    if not model.inputs or all(given.type.startswith("float") for given in model.inputs):
        return "dict.fromkeys(FEATURES, 0.0)"
    return literal({given.name: zero(given.type) for given in model.inputs})


def _sample(model: Model, features: tuple[str, ...], count: int | None) -> list[Any]:
    if features:
        kinds = {given.name: given.type for given in model.inputs}
        return [{name: zero(kinds.get(name, "float64")) for name in features}]
    return [[0.0] * (count or 1)]


def _size(features: tuple[str, ...], count: int | None) -> str:
    if features:
        return f", {len(features)} named features"
    return f", {count} features" if count else ""
