"""Tell which framework made a model, by the name of its file or by what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "sklearn": (".joblib", ".pickle", ".pkl"),
    "skops": (".skops",),
    "onnx": (".onnx",),
    "pytorch": (".pt", ".pt2"),
    "xgboost": (".json", ".ubj"),
    "lightgbm": (".txt",),
}
_MARKS: Mapping[str, str] = {"mlflow": "MLmodel", "tensorflow": "saved_model.pb"}


def framework_of(model: Path) -> str | None:
    """Return the framework whose models have such a name or such a file, None where it is not clear."""
    if model.is_dir():
        return next((name for name, mark in _MARKS.items() if (model / mark).is_file()), None)
    suffix = model.suffix.lower()
    return next((name for name, suffixes in _SUFFIXES.items() if suffix in suffixes), None)
