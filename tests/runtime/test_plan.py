"""Arguments are converted by a plan exactly as by inference_schema's decorators, or not at all."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as some
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlpackage_runtime.worker.plan import plan_of


def take(data: Any) -> Any:
    return data


def decorated(kind: Any, **options: Any) -> Any:
    return input_schema("data", kind, **options)(take)


ARRAY = np.array([[1.0, 2.0]])
KINDS = {
    "doubles": decorated(NumpyParameterType(ARRAY)),
    "singles": decorated(NumpyParameterType(ARRAY.astype("f"))),
    "integers": decorated(NumpyParameterType(np.array([[1, 2]]))),
    "bytes": decorated(NumpyParameterType(np.array([1], dtype="u1"))),
    "booleans": decorated(NumpyParameterType(np.array([True]))),
    "any shape": decorated(NumpyParameterType(ARRAY, enforce_shape=False)),
    "any type": decorated(NumpyParameterType(ARRAY, enforce_column_type=False)),
    "no rows": decorated(NumpyParameterType(np.empty((0, 2)))),
    "optional": decorated(NumpyParameterType(ARRAY), optional=True),
    "frame": decorated(PandasParameterType(pd.DataFrame({"a": [1], "b": [1.5]}))),
    "text": decorated(StandardPythonParameterType("text")),
    "float": decorated(StandardPythonParameterType(1.5)),
    "integer": decorated(StandardPythonParameterType(1)),
    "boolean": decorated(StandardPythonParameterType(True)),  # noqa: FBT003 - the sample of a schema
}
NUMBERS = some.one_of(some.floats(), some.integers(), some.integers(-(2**70), 2**70), some.booleans())
SCALARS = some.one_of(some.none(), NUMBERS, some.text(max_size=3), some.sampled_from(["1", "2.5", "nan", "true"]))
ROWS = some.lists(some.lists(NUMBERS, min_size=1, max_size=3), max_size=3)
RECORDS = some.lists(some.dictionaries(some.sampled_from("abc"), SCALARS, max_size=3), max_size=3)
DEEP = some.recursive(SCALARS, lambda inner: some.lists(inner, max_size=3), max_leaves=8)
VALUES = some.one_of(ROWS, RECORDS, DEEP, some.lists(SCALARS, max_size=3))


def known(value: Any) -> Any:
    """Return a value in a form in which two can be compared exactly."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes() if value.dtype != object else repr(value.tolist())
    if isinstance(value, pd.DataFrame):
        return tuple(value.columns), tuple(map(str, value.dtypes)), repr(value.to_numpy().tolist())
    return type(value), repr(value)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("ignore")  # NumPy warns of numbers that do not fit, both ways
@given(value=VALUES)
@settings(max_examples=150, deadline=None)
def test_a_plan_converts_as_the_decorators_do(name: str, value: Any) -> None:
    """Whatever the plan converts is what the decorators would give; the rest it leaves to them, unchanged."""
    run = KINDS[name]
    plan = plan_of(run)
    assert plan is not None
    before = repr(value)

    converted = plan.converted({"data": value})

    assert repr(value) == before
    try:
        expected = run(data=value)
    except Exception:  # noqa: BLE001 - the decorators raise many kinds
        assert converted is None
    else:
        assert converted is None or known(plan.function(**converted)) == known(expected)


@pytest.mark.parametrize("name", ["doubles", "integers", "any type", "frame", "text"])
def test_usual_values_are_converted(name: str) -> None:
    """A plan that left everything to the decorators would be none."""
    plan = plan_of(KINDS[name])
    usual = {"text": "a", "frame": [{"a": 1, "b": 2.5}], "integers": [[1, 2]]}.get(name, [[1.5, 2.5]])

    assert plan is not None
    assert plan.converted({"data": usual}) is not None


def other(run: Any) -> Any:
    @functools.wraps(run)
    def wrapped(**arguments: Any) -> Any:
        return run(**arguments)

    return wrapped


def numbers(data: Any, name: str = "x") -> Any:
    return data, name


SCHEMA = input_schema("data", NumpyParameterType(ARRAY))
PLANNED = {
    "input and output": (output_schema(NumpyParameterType(ARRAY))(SCHEMA(numbers)), True),
    "two inputs": (input_schema("name", StandardPythonParameterType("x"))(SCHEMA(other(numbers))), True),
    "none": (numbers, False),
    "another one around": (other(SCHEMA(numbers)), False),
    "no conversion": (input_schema("data", NumpyParameterType(ARRAY), convert_to_provided_type=False)(numbers), False),
    "nested": (input_schema("data", StandardPythonParameterType({"a": NumpyParameterType(ARRAY)}))(numbers), False),
    "times": (input_schema("data", NumpyParameterType(np.array(["2020-01-01"], dtype="M8[D]")))(numbers), False),
}


@pytest.mark.parametrize("name", PLANNED)
def test_only_usual_decorations_are_planned(name: str) -> None:
    """Decorators of others, nested types and types that are converted value by value keep their own way."""
    run, planned = PLANNED[name]

    assert (plan_of(run) is not None) == planned
