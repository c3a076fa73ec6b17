"""List what each framework needs in the image, and the safer format that its models can be saved in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Framework:
    """Describe how a framework's models are served.

    `distribution` loads them. `others` are distributions with the same modules, by pip's and conda's names, which a
    project may name instead. `brings` are further packages that the generated script imports.
    """

    title: str
    template: str
    distribution: str
    others: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    safer: str = ""


_SKOPS = 'Save it without code: skops.io.dump(model, "model.skops"), with framework = "skops"; or as ONNX.'
FRAMEWORKS: Mapping[str, Framework] = {
    "sklearn": Framework(
        title="scikit-learn", template="sklearn.py.j2", distribution="scikit-learn", brings=("joblib",), safer=_SKOPS
    ),
    "skops": Framework(title="skops", template="sklearn.py.j2", distribution="skops", brings=("scikit-learn",)),
    "tensorflow": Framework(
        title="TensorFlow", template="tensorflow.py.j2", distribution="tensorflow", others=("tensorflow-cpu",)
    ),
    "pytorch": Framework(
        title="PyTorch",
        template="pytorch.py.j2",
        distribution="torch",
        others=("pytorch", "pytorch-cpu", "pytorch-gpu"),
        safer='Export it with torch.export.save(torch.export.export(model, (example,)), "model.pt2").',
    ),
    "mlflow": Framework(
        title="MLflow",
        template="mlflow.py.j2",
        distribution="mlflow-skinny",
        others=("mlflow",),
        brings=("numpy", "pandas"),
        safer="Log the model again in a flavor that keeps only data (skops, XGBoost, LightGBM, ONNX).",
    ),
    "xgboost": Framework(
        title="XGBoost",
        template="xgboost.py.j2",
        distribution="xgboost",
        others=("xgboost-cpu", "py-xgboost", "py-xgboost-cpu", "py-xgboost-gpu"),
    ),
    "lightgbm": Framework(
        title="LightGBM",
        template="lightgbm.py.j2",
        distribution="lightgbm",
        system_packages=("libgomp1",),  # its wheel takes the system's OpenMP, which slim images lack
    ),
    "onnx": Framework(
        title="ONNX",
        template="onnx.py.j2",
        distribution="onnxruntime",
        others=("onnxruntime-gpu", "onnxruntime-openvino"),
    ),
}
MADE_BY = {name: framework.title for name, framework in FRAMEWORKS.items()}

# Canonical name of a distribution → others that have its modules, by pip's and conda's names.
SAME_MODULES: Mapping[str, tuple[str, ...]] = {
    framework.distribution: framework.others for framework in FRAMEWORKS.values() if framework.others
}


def same_modules(distribution: str) -> tuple[str, ...]:
    """Return a distribution and all others that have its modules, whichever of them is given."""
    groups = ((name, *others) for name, others in SAME_MODULES.items())
    return next((group for group in groups if distribution in group), (distribution,))
