"""Say what is known of a model whose file costs too much to read: what every model of its framework is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.project.model_facts.facts import ModelFacts
from hatch_mlpackage.project.model_facts.read import FILE_OR_FOLDER
from hatch_mlpackage.project.no_code.frameworks import MADE_BY

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model

_NEEDS_INPUTS = "State what it takes in inputs, or write an entry script."
STATE_INPUTS: Mapping[str, str] = {"onnx": _NEEDS_INPUTS, "tensorflow": _NEEDS_INPUTS}
_PICKLE = "it may be a pickle, which is a program that runs when it is loaded"
_LOADER = "its loader may run programs that the folder brings"
_FACTS: Mapping[str, ModelFacts] = {
    "sklearn": ModelFacts(runs_code=_PICKLE),
    "skops": ModelFacts(),
    "xgboost": ModelFacts(),
    "lightgbm": ModelFacts(),
    "onnx": ModelFacts(),
    "tensorflow": ModelFacts(signatures=("serving_default",)),
    "mlflow": ModelFacts(runs_code=_LOADER, modules=frozenset({"mlflow"})),
}


def facts_of_unread(model: Model, path: Path) -> ModelFacts | None:
    """Return the facts to go on with, or None where no script can be written without those of the file."""
    framework = model.framework or ""
    unknown_file = framework in FILE_OR_FOLDER and path.is_dir()
    if framework not in _FACTS or unknown_file or (framework in STATE_INPUTS and not model.inputs):
        return None
    made_it = f"the version of {MADE_BY[framework]} that made it"
    return replace(_FACTS[framework], missing=(made_it, *(() if model.inputs else ("what it takes",))))
