"""An entry script with a NumPy schema."""

import os
from pathlib import Path

import joblib
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model  # noqa: PLW0603 - entry scripts do so
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"], "ridge.joblib"))


@input_schema("data", NumpyParameterType(np.zeros((1, 10))))
@output_schema(NumpyParameterType(np.zeros(1)))
def run(data):
    return model.predict(data).tolist()
