"""Tells the progression of diabetes after a year from ten measurements, one row of numbers for each patient."""

import os
from pathlib import Path

import joblib
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

INPUT = np.array([[0.038, 0.051, 0.062, 0.022, -0.044, -0.035, -0.043, -0.003, 0.020, -0.018]])
OUTPUT = np.array([206.1])


def init() -> None:
    """Load the model, once for each worker."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"], "diabetes.joblib"))


@input_schema("data", NumpyParameterType(INPUT))
@output_schema(NumpyParameterType(OUTPUT))
def run(data: np.ndarray) -> list[float]:
    """Score every row of a request: `{"data": [[ten numbers], …]}`."""
    return model.predict(data).tolist()
