"""Score rows of numbers with a fitted line, in plain Python."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = json.loads(Path(__file__).with_name("sample.json").read_text(encoding="utf-8"))
model: Any


def init() -> None:
    """Load the model; each worker calls this once."""
    global model
    (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    model = json.loads(path.read_text(encoding="utf-8"))


@input_schema("data", StandardPythonParameterType(SAMPLE["data"]))
@output_schema(StandardPythonParameterType([0.0]))
def run(data: list[list[float]]) -> list[Any]:
    """Score every row of a request: `{"data": [[…], …]}`, as in sample.json."""
    return [model["intercept"] + model["slope"] * speed for (speed,) in data]
