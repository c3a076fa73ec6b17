"""Serve the MLflow model demo.

POST /score {"input_data": {"columns": […], "data": [[…]]}} answers with what the model predicts.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import mlflow.pyfunc
import pandas as pd
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlflow.exceptions import MlflowException

MODEL_FOLDER = "demo"
# The model's columns: the type that each value is converted to, and an example.
COLUMNS = {
    "age": ("float64", 0.0),
    "town": ("object", ""),
}
EXAMPLE = {"columns": list(COLUMNS), "data": [[example for _, example in COLUMNS.values()]]}
model = None


def init():
    global model
    # `mlpackage serve` links each file to that of the project, and MLflow does not follow links out of its folder.
    described = os.path.realpath(os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FOLDER, "MLmodel"))
    model = mlflow.pyfunc.load_model(os.path.dirname(described))


def as_json(value):
    """Convert a result of the model to what JSON can express."""
    if hasattr(value, "to_dict"):
        return value.to_dict("records") if hasattr(value, "columns") else value.tolist()
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


def to_input(table):
    """Make a table from columns, given by name or in the order of the model."""
    frame = pd.DataFrame(table["data"], columns=table.get("columns", list(COLUMNS)))
    return frame.astype({name: kind for name, (kind, _) in COLUMNS.items() if name in frame})


@input_schema("input_data", StandardPythonParameterType(EXAMPLE))
@output_schema(StandardPythonParameterType([]))
def run(input_data):
    try:
        return as_json(model.predict(to_input(input_data)))
    except (KeyError, TypeError, ValueError, MlflowException) as error:
        return refused(error)
