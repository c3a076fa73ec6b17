"""Convert the arguments of run() as inference_schema's decorators do, without what they cost for each request.

The decorators look up the types of the parameters at every call. Here that is done once, for scripts that use nothing
unusual; the decorated function stays what runs for all others, and for every argument that cannot be converted, because
the message for the client is the decorators' own.
"""

import importlib
import inspect
from types import FunctionType
from typing import Any, Callable, List, NamedTuple, Optional, Sequence

from mlpackage_runtime.worker.styles import Arguments

Convert = Callable[[Any], Any]

DECORATORS = "inference_schema.schema_decorators"
NUMPY = "inference_schema.parameter_types.numpy_parameter_type"
PANDAS = "inference_schema.parameter_types.pandas_parameter_type"
STANDARD = "inference_schema.parameter_types.standard_py_parameter_type"
NUMBERS = "biuf"  # kinds of NumPy's types whose values JSON has as they are
NESTED = (dict, list, tuple)  # samples in which the decorators look for further types


class Parameter(NamedTuple):
    """A parameter with a schema: how its value is converted, and the schema's type of parameter."""

    name: str
    kind: Any
    convert: Convert
    optional: bool


class Plan(NamedTuple):
    """run() without its decorators, and its parameters with a schema, in the order in which they are converted."""

    function: Callable[..., Any]
    parameters: Sequence[Parameter]

    def converted(self, arguments: Arguments) -> Optional[Arguments]:
        """Return the arguments of the function, or None where the decorators have to say what is wrong with them."""
        found = dict(arguments)
        try:
            for name, kind, convert, optional in self.parameters:
                value = found[name]
                if not (optional and not value) and not isinstance(value, kind.sample_data_type):
                    found[name] = convert(value)
        except Exception:  # noqa: BLE001 - whatever it is, the decorators raise it again
            return None
        return found


def plan_of(run: Any) -> Optional[Plan]:
    """Return the plan of a decorated run(); None where something else decorates it too, or a type is unusual."""
    found: List[Parameter] = []
    while type(run) is not FunctionType:  # isinstance() takes a decorated function for a plain one
        decorator = getattr(run, "_self_wrapper", None)
        if type(decorator) is not FunctionType or decorator.__module__ != DECORATORS:
            return None
        known = inspect.getclosurevars(decorator).nonlocals
        if "param_type" in known and known.get("convert_to_provided_type"):
            parameter = _parameter(known["param_name"], known["param_type"], optional=known.get("optional", False))
            if parameter is None:
                return None
            found.append(parameter)
        run = run.__wrapped__
    names = inspect.signature(run).parameters
    return Plan(run, found) if found and all(parameter.name in names for parameter in found) else None


def _parameter(name: str, kind: Any, *, optional: bool) -> Optional[Parameter]:
    """Return a parameter whose values can be converted without changing what the client sent; None for any other."""
    exact = type(kind)
    if exact.__module__ == STANDARD and kind.sample_data_type not in NESTED:
        return Parameter(name, kind, kind.deserialize_input, optional)
    if exact.__module__ == PANDAS and exact.__name__ == "PandasParameterType":
        return Parameter(name, kind, kind.deserialize_input, optional)
    if exact.__module__ == NUMPY and kind.sample_input.dtype.kind in NUMBERS:
        return Parameter(name, kind, _array_of(kind), optional)
    return None


def _array_of(kind: Any) -> Convert:
    """Return what converts lists to arrays of numbers, as one; the schema's own way visits every row."""
    numpy = importlib.import_module("numpy")
    expected = kind.sample_input

    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            return kind.deserialize_input(value)
        array = numpy.array(value, dtype=expected.dtype)
        if kind.enforce_shape and (array.ndim != expected.ndim or array.shape[1:] != expected.shape[1:]):
            raise ValueError(array.shape)
        return array

    return convert if kind.enforce_column_type and _agree(kind, convert) else kind.deserialize_input


def _agree(kind: Any, convert: Convert) -> bool:
    """Tell whether both ways convert the sample alike, as in all known releases."""
    try:
        theirs, ours = (way(kind.sample_input.tolist()) for way in (kind.deserialize_input, convert))
    except Exception:  # noqa: BLE001 - a sample without rows is none that the schema would take
        return False
    return bool(theirs.dtype == ours.dtype and theirs.tobytes() == ours.tobytes() and theirs.shape == ours.shape)
