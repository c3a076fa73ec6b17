import datetime  # noqa: F401 - for samples
import os

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

sample = eval(os.environ["SAMPLE"])


def init():
    pass


@input_schema("param", StandardPythonParameterType(sample))
@output_schema(StandardPythonParameterType("text"))
def run(param):
    return [type(param).__name__, repr(param)]
