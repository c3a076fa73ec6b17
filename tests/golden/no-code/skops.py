"""Serve the scikit-learn model demo.

POST /score {"data": [[…]], "method": "predict"} answers {"predict": […]}; "predict_proba" is the other method.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import numpy as np
import skops.io
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

MODEL_FILE = "demo.skops"
METHODS = ("predict", "predict_proba")
model = None


def init():
    """Load the model, if it has only types that skops trusts."""
    global model
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FILE)
    model = skops.io.load(path)


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


@input_schema("data", NumpyParameterType(np.zeros((1, 4))))
@input_schema("method", StandardPythonParameterType("predict"))
@output_schema(StandardPythonParameterType({"predict": [0.0]}))
def run(data, method="predict"):
    if method not in METHODS or not hasattr(model, method):
        return refused(f"it has no method {method}")
    try:
        return {method: np.asarray(getattr(model, method)(data)).tolist()}
    except (TypeError, ValueError) as error:
        return refused(error)
