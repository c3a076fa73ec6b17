"""Serve the ONNX model demo.

POST /score {"input_0": […], "class_": […]} answers with {"scores": […]}.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import numpy as np
import onnxruntime
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

MODEL_FILE = "demo.onnx"
session = None


def init():
    global session
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FILE)
    session = onnxruntime.InferenceSession(path, providers=onnxruntime.get_available_providers())


def as_json(value):
    """Convert a result of the model to what JSON can express."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


# The model calls it "input:0". Its shape is [-1, 3, -1, -1]; -1 is any size.
@input_schema("input_0", NumpyParameterType(np.zeros((1, 3, 1, 1), dtype=np.float32), enforce_shape=False))
# The model calls it "class".
@input_schema("class_", StandardPythonParameterType([""]))
@output_schema(StandardPythonParameterType({"scores": []}))
def run(input_0, class_):
    try:
        answers = session.run(
            None,
            {
                "input:0": np.asarray(input_0, dtype=np.float32),
                "class": np.asarray(class_, dtype=object),
            },
        )
    except (InvalidArgument, TypeError, ValueError) as error:
        return refused(error)
    return {output.name: as_json(answer) for output, answer in zip(session.get_outputs(), answers)}
