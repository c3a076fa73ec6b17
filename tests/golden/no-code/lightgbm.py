"""Serve the LightGBM model demo.

POST /score {"data": [[…]]} answers {"predict": […]} with the result of Booster.predict, which is
probabilities if the model was trained for them. null stands for a missing value.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import lightgbm
import numpy as np
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

MODEL_FILE = "demo.txt"
booster = None


def init():
    global booster
    booster = lightgbm.Booster(model_file=os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FILE))


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


@input_schema("data", NumpyParameterType(np.zeros((1, 4))))
@output_schema(StandardPythonParameterType({"predict": [0.0]}))
def run(data):
    try:
        rows = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError) as error:
        return refused(error)
    return {"predict": booster.predict(rows).tolist()}
