"""Read the file MLmodel of MLflow's model folders (mlflow.org/docs/latest/ml/model)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.yaml_lines import read_yaml, values_of
from hatch_mlpackage.project.config.keys import TENSOR_TYPES
from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor, UnreadableModelError

_LONGEST = 1 << 24  # bytes
# MLflow's column types → numpy's (mlflow/types/schema.py).
_COLUMNS = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "str",
    "datetime": "datetime64[ns]",
}
_UNKNOWN = "its loader {loader} may run programs that the folder brings"


def read_mlflow(folder: Path) -> ModelFacts:
    """Read the signature and the loader of a pyfunc."""
    path = folder / "MLmodel"
    if not path.is_file() or path.stat().st_size > _LONGEST:
        raise UnreadableModelError("it has no MLmodel")
    document = _yaml(file_text(path))
    flavors = document["flavors"]
    pyfunc = flavors.get("python_function")
    if not isinstance(pyfunc, dict):
        raise UnreadableModelError("it has no flavor python_function")
    signature = document.get("signature")
    given = json.loads((signature or {}).get("inputs") or "[]")
    tensors = bool(given) and all(item.get("type") == "tensor" for item in given)
    version = document.get("mlflow_version")
    return ModelFacts(
        versions={"mlflow": version} if isinstance(version, str) else {},
        inputs=tuple(map(_tensor if tensors else _column, given)),
        signatures=("tensors" if tensors else "columns",),
        modules=frozenset({str(pyfunc.get("loader_module"))}),
        runs_code=_why_not_safe(pyfunc, flavors),
        missing=() if given else ("what it takes",),
    )


def _yaml(text: str) -> Any:
    problems = Problems()
    node = read_yaml(text, "MLmodel", problems, empty="")
    if node is None:
        raise UnreadableModelError("; ".join(map(str, problems.found)))
    return values_of(node)


def _column(item: Mapping[str, Any]) -> Tensor:
    name, kind = item.get("name"), item.get("type")
    if not isinstance(name, str) or kind not in _COLUMNS:
        raise UnreadableModelError(f"its column '{name}' has the type {kind}, which a request's JSON cannot hold")
    return Tensor(name=name, type=_COLUMNS[kind], shape=())


def _tensor(item: Mapping[str, Any]) -> Tensor:
    about = item["tensor-spec"]
    kind = "str" if str(about["dtype"]) in {"object", "str"} else str(about["dtype"])
    if kind not in TENSOR_TYPES:
        raise UnreadableModelError(f"its tensor has the type {kind}, which a request's JSON cannot hold")
    return Tensor(name=str(item.get("name") or ""), type=kind, shape=tuple(int(size) for size in about["shape"]))


def _why_not_safe(pyfunc: Mapping[str, Any], flavors: Mapping[str, Any]) -> str:
    """Say why loading the model runs code from its folder; return "" where the flavor keeps only data."""
    loader = str(pyfunc.get("loader_module"))
    flavor = flavors.get(loader.removeprefix("mlflow."))
    if pyfunc.get("code") or not isinstance(flavor, dict) or flavor.get("code"):
        return _UNKNOWN.format(loader=loader)
    kept = str(flavor.get("data") or flavor.get("pickled_model") or "")
    class_ = str(flavor.get("model_class") or "")
    safe = {
        "mlflow.onnx": kept.endswith(".onnx"),
        "mlflow.xgboost": class_.startswith("xgboost.") and kept.endswith((".ubj", ".json", ".xgb")),
        "mlflow.lightgbm": class_ == "lightgbm.basic.Booster" and kept.endswith((".lgb", ".txt")),
        "mlflow.sklearn": flavor.get("serialization_format") == "skops" and not flavor.get("skops_trusted_types"),
    }
    if safe.get(loader):
        return ""
    if kept.endswith((".pkl", ".pickle", ".joblib")):
        return f"{kept} is a pickle, which is a program that runs when it is loaded"
    return _UNKNOWN.format(loader=loader)
