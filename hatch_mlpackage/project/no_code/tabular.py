"""Serve models that take rows of features: scikit-learn, skops, XGBoost, LightGBM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS
from hatch_mlpackage.project.no_code.generated import NoCode, generate
from hatch_mlpackage.project.no_code.literals import literal, texts, zero

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts

_ZEROS = "dict.fromkeys(FEATURES, 0.0)"


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
        "record": _record(model, facts, features),
    }
    takes_frames = "scikit-learn" in {framework.distribution, *framework.brings}
    extra = {"pandas": "the model was trained with named columns"} if features and takes_frames else {}
    sample = {"data": [_row(model, facts, features) if features else [0.0] * (count or 1)]}
    made_by = f"{framework.title} {facts.versions.get(framework.distribution, 'of an unknown version')}"
    brought = (f"{name} {facts.versions[name]}" for name in framework.brings if name in facts.versions)
    about = f"{', '.join((made_by, *brought))}{_size(features, count)}"
    return generate(model, facts, values, sample=sample, about=about, extra=extra)


def _record(model: Model, facts: ModelFacts, features: tuple[str, ...]) -> str:
    """Write the sample record of the script's schema."""
    row = _row(model, facts, features)
    return literal(row) if any(value != 0.0 or type(value) is not float for value in row.values()) else _ZEROS


def _row(model: Model, facts: ModelFacts, features: tuple[str, ...]) -> dict[str, Any]:
    """Return a row that the model takes: of what is declared or what its encoders know, and numbers elsewhere."""
    declared = {given.name: zero(given.type) for given in model.inputs}
    return {name: declared.get(name, facts.examples.get(index, 0.0)) for index, name in enumerate(features)}


def _size(features: tuple[str, ...], count: int | None) -> str:
    if features:
        return f", {len(features)} named features"
    return f", {count} features" if count else ""
