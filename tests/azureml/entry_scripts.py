"""Entry scripts that the tests serve, and the rows that they score."""

from __future__ import annotations

SCORE = """\
import os

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from sklearn.externals import joblib


def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_mnist_model.pkl"))


@input_schema("data", NumpyParameterType(np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])))
@output_schema(NumpyParameterType(np.array([3726.995])))
def run(data):
    try:
        return model.predict(data).tolist()
    except Exception as error:
        return str(error)
"""
ECHO = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
ROWS = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]
