"""Score rows of numbers with an XGBoost model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = json.loads(Path(__file__).with_name("sample.json").read_text(encoding="utf-8"))
model: Any


def init() -> None:
    """Load the model; each worker calls this once."""
    global model
    (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    model = xgboost.Booster(model_file=path)


@input_schema("data", NumpyParameterType(np.array(SAMPLE["data"])))
@output_schema(StandardPythonParameterType([0.0]))
def run(data: npt.NDArray[np.float64]) -> list[Any]:
    """Score every row of a request: `{"data": [[…], …]}`, as in sample.json."""
    return list(model.predict(xgboost.DMatrix(data)).tolist())
