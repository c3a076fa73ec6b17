"""Serve the XGBoost model demo.

POST /score {"data": [[…]]} answers {"predict": […]} with the result of Booster.predict, which is
probabilities if the model was trained for them. null stands for a missing value.
Categories of pandas are given by their codes, 0 for the first category.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import numpy as np
import xgboost
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

MODEL_FILE = "demo.ubj"
FEATURES = ["a", "b"]
booster = None


def init():
    global booster
    booster = xgboost.Booster(model_file=os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FILE))


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
@output_schema(StandardPythonParameterType({"predict": [0.0]}))
def run(data):
    try:
        rows = np.asarray(in_order(data), dtype=np.float64)
        matrix = xgboost.DMatrix(
            rows,
            feature_names=booster.feature_names,
            feature_types=booster.feature_types,
            enable_categorical=True,  # given by their codes
        )
    except (TypeError, ValueError) as error:
        return refused(error)
    return {"predict": booster.predict(matrix).tolist()}
