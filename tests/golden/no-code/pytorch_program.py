"""Serve the PyTorch model demo.

POST /score {"x": […], "image": […]} answers {"predictions": …} with what forward() returns.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import numpy as np
import torch
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

MODEL_FILE = "demo.pt2"
model = None


def init():
    global model
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FILE)
    model = torch.export.load(path).module()


def as_json(value):
    """Convert a result of the model to what JSON can express."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


@input_schema("x", NumpyParameterType(np.zeros((1, 4), dtype=np.float32)))
# Its shape is [1, 3, 224, 224]; -1 is any size.
@input_schema("image", NumpyParameterType(np.zeros((1, 1, 1, 1), dtype=np.float32), enforce_shape=False))
@output_schema(StandardPythonParameterType({"predictions": []}))
def run(x, image):
    try:
        tensors = (
            torch.as_tensor(np.asarray(x, dtype=np.float32)),
            torch.as_tensor(np.asarray(image, dtype=np.float32)),
        )
        with torch.inference_mode():
            return {"predictions": as_json(model(*tensors))}
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        return refused(str(error).strip().partition("\n")[0])
