"""Serve MLflow's pyfuncs, with the requirements that they were logged with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.no_code.generated import NoCode, generate
from hatch_mlpackage.project.no_code.literals import literal, text
from hatch_mlpackage.project.no_code.tensors import declared, parameters

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor

# Loaders that mlflow-skinny is enough for.
_SKINNY = frozenset(
    {"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.onnx", "mlflow.pytorch", "mlflow.pyfunc.model"}
)


def write(model: Model, facts: ModelFacts) -> NoCode:
    inputs = declared(model, facts)
    tensors = any(tensor.shape for tensor in inputs)
    values, sample = _tensors(inputs) if tensors else _columns(inputs)
    about = f"pyfunc of MLflow {facts.versions.get('mlflow', '')}, {len(inputs)} inputs"
    values["trusted"] = bool(facts.runs_code)
    return replace(
        generate(model, facts, values, sample={"input_data": sample}, about=about),
        files=(f"{model.path}/requirements.txt",),
        left_out=("mlflow",) if facts.modules <= _SKINNY else (),
    )


_NOTHING: dict[str, Any] = {"columns": (), "is_array": False, "dtype": "", "dtypes": "", "schema": "", "sample": "[]"}


def _columns(inputs: tuple[Tensor, ...]) -> tuple[dict[str, Any], Any]:
    if not inputs:
        return dict(_NOTHING), []
    given = parameters(inputs)
    sample = {"columns": [tensor.name for tensor in inputs], "data": [[item.sample for item in given]]}
    columns = [
        (text(tensor.name), text("object" if tensor.type == "str" else tensor.type), literal(item.sample))
        for tensor, item in zip(inputs, given, strict=True)
    ]
    return {**_NOTHING, "columns": columns}, sample


def _tensors(inputs: tuple[Tensor, ...]) -> tuple[dict[str, Any], Any]:
    given = parameters(inputs)
    if len(inputs) == 1 and not inputs[0].name:
        only = given[0]
        return {**_NOTHING, "is_array": only.is_array, "dtype": only.dtype, "schema": only.schema}, only.sample
    sample = {tensor.name: item.sample for tensor, item in zip(inputs, given, strict=True)}
    kinds = {tensor.name: "object" if tensor.type == "str" else tensor.type for tensor in inputs}
    return {**_NOTHING, "dtypes": literal(kinds), "sample": literal(sample)}, sample
