"""Serve the scikit-learn model demo.

POST /score {"data": [[…]], "method": "predict"} answers {"predict": […]}; "predict_proba" is the other method.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import joblib
import numpy as np
import pandas as pd
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

MODEL_FILE = "demo.pkl"
FEATURES = ["sepal length (cm)", "sepal width (cm)"]
METHODS = ("predict", "predict_proba")
model = None


def init():
    """Load the model, which is a pickle: loading it can run any code, and allow-pickle = true trusts it."""
    global model
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FILE)
    model = joblib.load(path)


def in_order(records):
    """Return rows with values in the order of FEATURES: records give them by name, and rows already have this order."""
    for record in records:
        missing = [name for name in FEATURES if isinstance(record, dict) and name not in record]
        if missing:
            raise ValueError(f"a row lacks {', '.join(missing[:3])}")
    rows = [[record[name] for name in FEATURES] if isinstance(record, dict) else record for record in records]
    if any(len(row) != len(FEATURES) for row in rows):
        raise ValueError(f"a row has {len(FEATURES)} values")
    return rows


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


@input_schema("data", StandardPythonParameterType([dict.fromkeys(FEATURES, 0.0)]))
@input_schema("method", StandardPythonParameterType("predict"))
@output_schema(StandardPythonParameterType({"predict": [""]}))
def run(data, method="predict"):
    if method not in METHODS or not hasattr(model, method):
        return refused(f"it has no method {method}")
    try:
        data = pd.DataFrame(in_order(data), columns=FEATURES)
        return {method: np.asarray(getattr(model, method)(data)).tolist()}
    except (TypeError, ValueError) as error:
        return refused(error)
