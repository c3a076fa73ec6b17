{% set script = cookiecutter._script -%}
{% set named = script.takes == "columns" -%}
"""Score {{ cookiecutter._what[script.takes] }} with a LightGBM model.
{%- if cookiecutter._own_model %}

The answer is that of Booster.predict: numbers, which are probabilities if the model is a classifier,
and not its classes.
{% endif %}"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
{% if not named %}from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
{% endif %}from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = json.loads(Path(__file__).with_name("sample.json").read_text(encoding="utf-8"))
{% if named %}COLUMNS = list(SAMPLE["data"][0])
{% endif %}model: Any


{% if named %}{% include "parts/rows_by_name.py" %}


{% endif %}def init() -> None:
    """Load the model; each worker calls this once."""
    global model
    (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    model = lightgbm.Booster(model_file=path)


@input_schema("data", {{ 'Rows(SAMPLE["data"])' if named else 'NumpyParameterType(np.array(SAMPLE["data"]))' }})
@output_schema(StandardPythonParameterType([0.0]))
def run(data: npt.NDArray[np.float64]) -> list[Any]:
    """Score every row of a request: `{"data": [{{ "{…}" if named else "[…]" }}, …]}`, as in sample.json."""
    return list(np.asarray(model.predict(data)).tolist())
