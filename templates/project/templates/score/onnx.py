{% set script = cookiecutter._script -%}
{% set taken = script.parameters -%}
{% set several = taken | length > 1 -%}
{% set arrays = taken | selectattr("is_array") | list -%}
{% set returns = "list[Any]" -%}
"""Score {{ cookiecutter._what[script.takes] }} with an ONNX model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
{% if arrays %}import numpy.typing as npt
{% endif %}import onnxruntime
{% if arrays %}from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
{% endif %}from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = json.loads(Path(__file__).with_name("sample.json").read_text(encoding="utf-8"))
model: Any


def init() -> None:
    """Load the model; each worker calls this once."""
    global model
    (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    model = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


{% include "parts/run_on_tensors.py" %}
    names = (taken.name for taken in model.get_inputs())
    answers = model.run(None, dict(zip(names, given, strict=True)))
    return list(answers[0].tolist())
