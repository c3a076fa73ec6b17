{% set script = cookiecutter._script -%}
{% set takes = script.takes -%}
"""Score {{ cookiecutter._what[takes] }} with {{ script.maker }} model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import joblib
{% if takes == "rows" %}import numpy as np
import numpy.typing as npt
{% elif takes == "columns" %}import pandas as pd
{% endif %}{% if takes == "rows" %}from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
{% endif %}from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = json.loads(Path(__file__).with_name("sample.json").read_text(encoding="utf-8"))
{% if takes == "columns" %}COLUMNS = list(SAMPLE["data"][0])
NUMBERS = {name: float for name, value in SAMPLE["data"][0].items() if isinstance(value, float)}
{% endif %}model: Any


{% if takes == "columns" %}{% include "parts/rows_by_name.py" %}


{% endif %}def init() -> None:
    """Load the model; each worker calls this once."""
    global model
    (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    model = joblib.load(path)


{% if takes == "rows" %}@input_schema("data", NumpyParameterType(np.array(SAMPLE["data"])))
{% else %}@input_schema("data", {{ "Rows" if takes == "columns" else "StandardPythonParameterType" }}(SAMPLE["data"]))
{% endif %}@output_schema(StandardPythonParameterType([{{ "False" if script.label is sameas false else script.label | tojson }}]))
{% if takes == "rows" %}def run(data: npt.NDArray[np.float64]) -> list[Any]:
    """Score every row of a request: `{"data": [[…], …]}`, as in sample.json."""
    return list(model.predict(data).tolist())
{% elif takes == "columns" %}def run(data: pd.DataFrame) -> list[Any]:
    """Score every row of a request: `{"data": [{…}, …]}`, as in sample.json."""
    return list(model.predict(data).tolist())
{% else %}def run(data: list[str]) -> list[Any]:
    """Score every text of a request: `{"data": ["…", …]}`, as in sample.json."""
    return list(model.predict(data).tolist())
{% endif -%}
