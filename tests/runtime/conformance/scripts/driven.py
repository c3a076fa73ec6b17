import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema

started = []


def init():
    started.append("inner")


@input_schema("data", NumpyParameterType(np.array([1.0])))
def run(data):
    return [started, data.tolist()]
