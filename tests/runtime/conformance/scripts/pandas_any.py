import os

import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema, output_schema

sample = pd.DataFrame(
    {
        "count": [1, 2],
        "size": [0.5, 1.5],
        "name": ["a", "b"],
        "good": [True, False],
    }
)
if os.environ.get("DATES"):
    sample["when"] = pd.to_datetime(["2024-01-01", "2024-01-02"])
flags = eval(os.environ.get("FLAGS", "{}"))


def init():
    pass


@input_schema("data", PandasParameterType(sample, orient=os.environ.get("ORIENT", "records"), **flags))
@output_schema(PandasParameterType(sample))
def run(data):
    return [list(map(str, data.columns)), [str(kind) for kind in data.dtypes], str(data.values.tolist())]
