"""Serve the TensorFlow SavedModel demo.

POST /score {"signature_name": "serving_default", "instances": […]} answers {"predictions": […]}, as
TensorFlow Serving does: an instance is the value of a signature's single input, or has the values of its inputs by
name.

mlpackage wrote this from what the model's file contains. To change it, copy it into the project and name it there:
entry-script = "score.py".
"""

import os

import numpy as np
import tensorflow as tf
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

MODEL_FOLDER = "demo"
model = None


def init():
    global model
    model = tf.saved_model.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], MODEL_FOLDER))


def to_tensors(instances, inputs):
    """Collect a tensor for each input of a signature; `inputs` has their types by name."""
    if len(inputs) == 1:
        instances = [value if isinstance(value, dict) else dict.fromkeys(inputs, value) for value in instances]
    columns = {name: [instance[name] for instance in instances] for name in inputs}
    return {name: tf.constant(column, dtype=inputs[name].dtype) for name, column in columns.items()}


def to_rows(answer):
    """Return one prediction for each instance: a value if there is one output, otherwise values by name."""
    columns = {name: to_json(tensor.numpy()) for name, tensor in answer.items()}
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def to_json(array):
    return np.char.decode(array.astype(bytes), "utf-8", "replace").tolist() if array.dtype == object else array.tolist()


def refused(reason):
    return AMLResponse({"message": f"The input does not fit the model: {reason}"}, 400, json_str=True)


# "serving_default" takes "x" float32[-1, 4]; the first size is the number of instances.
@input_schema("instances", StandardPythonParameterType([[0.0, 0.0, 0.0, 0.0]]))
@input_schema("signature_name", StandardPythonParameterType("serving_default"))
@output_schema(StandardPythonParameterType({"predictions": []}))
def run(instances, signature_name="serving_default"):
    if signature_name not in model.signatures:
        return refused(f"it has no signature {signature_name}, but {', '.join(model.signatures)}")
    signature = model.signatures[signature_name]
    try:
        answer = signature(**to_tensors(instances, signature.structured_input_signature[1]))
    except KeyError as error:
        return refused(f"an instance lacks {error}")
    except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
        return refused(error)
    return {"predictions": to_rows(answer)}
