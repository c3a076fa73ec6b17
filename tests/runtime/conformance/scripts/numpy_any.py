import os

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


sample = eval(os.environ["SAMPLE"])
flags = eval(os.environ.get("FLAGS", "{}"))


@input_schema("data", NumpyParameterType(sample, **flags))
@output_schema(NumpyParameterType(np.array([1.0])))
def run(data):
    return [str(data.dtype), list(data.shape), str(data.tolist())]
