import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("array", NumpyParameterType(np.array([[1, 2]])))
@input_schema("name", StandardPythonParameterType("x"))
@input_schema("limit", StandardPythonParameterType(5), optional=True)
def run(array, name, plain, limit=7, request_headers=None):
    return [array.tolist(), name, plain, limit, request_headers.get("X-Own")]
