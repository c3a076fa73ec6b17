"""Fill the template of a framework with what a model's file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.project.no_code import pyfuncs, saved_models, tabular, tensors

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts
    from hatch_mlpackage.project.no_code.generated import NoCode

_WRITERS = {
    "sklearn": tabular.write,
    "skops": tabular.write,
    "xgboost": tabular.write,
    "lightgbm": tabular.write,
    "onnx": tensors.write,
    "pytorch": tensors.write,
    "tensorflow": saved_models.write,
    "mlflow": pyfuncs.write,
}


def write_script(model: Model, facts: ModelFacts) -> NoCode:
    """Write the script that serves a model; raise ValueError with the reason if none can be written."""
    return _WRITERS[model.framework or ""](model, facts)
