import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("data", NumpyParameterType(np.array([1.0])))
def run(data):
    if data[0] == 1:
        raise ValueError("secret")
    if data[0] == 2:
        NumpyParameterType(np.array([1.0])).deserialize_input("the script's own use of the library")
    return data.tolist()
