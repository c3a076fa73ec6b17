import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

frame = PandasParameterType(pd.DataFrame({"age": [30], "name": ["x"]}), enforce_shape=False)
inputs = StandardPythonParameterType({"data": frame, "matrix": NumpyParameterType(np.array([[1.0, 2.0]]))})
outputs = StandardPythonParameterType({"Results": StandardPythonParameterType([1.0])})


def init():
    pass


@input_schema("Inputs", inputs)
@input_schema("GlobalParameters", StandardPythonParameterType(1.0))
@output_schema(outputs)
def run(Inputs, GlobalParameters):  # noqa: N803
    kinds = {name: type(value).__name__ for name, value in Inputs.items()}
    return {"Results": kinds, "GlobalParameters": [type(GlobalParameters).__name__, GlobalParameters]}
