import decimal
import json

import numpy as np
import pandas as pd

RESULTS = {
    "none": lambda: None,
    "str": lambda: "text é",
    "json": lambda: json.dumps({"a": 1}),
    "int": lambda: 3,
    "float": lambda: 0.1,
    "big": lambda: 10**30,
    "bool": lambda: True,
    "list": lambda: [1, "a", None],
    "dict": lambda: {"b": 1, "a": {"c": []}},
    "int keys": lambda: {1: 2, None: 3, True: 4},
    "tuple keys": lambda: {(1, 2): 3},
    "tuple": lambda: ("error", 500),
    "nan": lambda: [float("nan"), float("inf"), -float("inf")],
    "empty": lambda: "",
    "zero": lambda: 0,
    "false": lambda: False,
    "empty list": list,
    "empty dict": dict,
    "float64": lambda: {"value": np.float64(0.5)},
    "bytes": lambda: b"bytes",
    "set": lambda: {1},
    "object": lambda: object(),
    "generator": lambda: (number for number in range(3)),
    "range": lambda: range(3),
    "decimal": lambda: decimal.Decimal(1),
    "lambda": lambda: lambda: 1,
    "exception": lambda: ValueError("returned"),
    "ndarray": lambda: np.arange(3),
    "float32": lambda: np.float32(0.5),
    "int64": lambda: {"value": np.int64(5)},
    "bool_": lambda: np.bool_(True),
    "frame": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    "series": lambda: pd.Series([1.5, 2.5]),
    "timestamp": lambda: pd.Timestamp("2024-01-02T03:04:05"),
}
ERRORS = {
    "value error": ValueError("secret"),
    "timeout error": TimeoutError("own"),
    "key error": KeyError("secret"),
    "recursion": RecursionError(),
    "memory": MemoryError(),
    "stop": StopIteration(),
    "system exit": SystemExit(1),
    "interrupt": KeyboardInterrupt(),
    "assertion": AssertionError(),
}


def init():
    pass


def run(raw_data):
    if raw_data in ERRORS:
        raise ERRORS[raw_data]
    return RESULTS[raw_data]()
