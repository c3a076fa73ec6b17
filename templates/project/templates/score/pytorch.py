{% set script = cookiecutter._script -%}
{% set taken = script.parameters -%}
{% set several = taken | length > 1 -%}
{% set arrays = taken | selectattr("is_array") | list -%}
{% set returns = "Any" if cookiecutter._own_model else "list[Any]" -%}
"""Score {{ cookiecutter._what[script.takes] }} with a PyTorch model{{ ": an exported program (.pt2), or TorchScript" if not script.kind }}."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
{% if arrays %}import numpy.typing as npt
{% endif %}import torch
{% if arrays %}from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
{% endif %}from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = json.loads(Path(__file__).with_name("sample.json").read_text(encoding="utf-8"))
model: Any


def init() -> None:
    """Load the model; each worker calls this once."""
    global model
    (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
{% if script.kind == "program" %}    model = torch.export.load(path).module()
{% elif script.kind == "script" %}    model = torch.jit.load(path, map_location="cpu").eval()
{% elif script.kind == "pickle" %}    # The file is a pickle: loading it can run any code.
    model = torch.load(path, map_location="cpu", weights_only=False).eval()
{% else %}    model = torch.export.load(path).module() if path.suffix == ".pt2" else torch.jit.load(path, map_location="cpu")
{% endif %}

{% if cookiecutter._own_model %}def as_json(answer: Any) -> Any:
    """Convert what the model returns, a tensor or several, to what JSON can express."""
    if isinstance(answer, dict):
        return {name: as_json(part) for name, part in answer.items()}
    return [as_json(part) for part in answer] if isinstance(answer, list | tuple) else answer.tolist()


{% endif %}{% include "parts/run_on_tensors.py" %}
    with torch.inference_mode():
{% if cookiecutter._own_model %}        return as_json(model(*map(torch.from_numpy, given)))
{% else %}        return list(model(*map(torch.from_numpy, given)).tolist())
{% endif -%}
