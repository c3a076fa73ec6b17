"""Serve models that take tensors by name: ONNX, TorchScript and exported programs."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.config.keys import TENSOR_TYPES
from hatch_mlpackage.project.model_facts.facts import Tensor
from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS
from hatch_mlpackage.project.no_code.generated import NoCode, generate
from hatch_mlpackage.project.no_code.literals import DATETIME, shape as shape_text, text, zero

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts

_LARGEST_SAMPLE = 1000  # numbers; the service's description contains the sample
_RESERVED = frozenset({"request_headers"})  # the server's own parameter of run()


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """Describe a parameter of run(), and how the script declares and converts it.

    `name` is the model's own name, as a literal; `sample` is a value that a request may hold.
    """

    parameter: str
    name: str
    schema: str
    dtype: str
    sample: Any
    is_array: bool
    comment: str = ""


def declared(model: Model, facts: ModelFacts) -> tuple[Tensor, ...]:
    """Return what the model takes, by the project's table or else by the model's file."""
    given = tuple(Tensor(name=it.name, type=it.type, shape=it.shape or None) for it in model.inputs)
    return given or facts.inputs


def parameters(tensors: Sequence[Tensor]) -> tuple[Input, ...]:
    """Make the parameters of run(); raise ValueError for a type that a script cannot take."""
    strange = [tensor.type for tensor in tensors if tensor.type not in {*TENSOR_TYPES, DATETIME}]
    if strange:
        raise ValueError(f"it takes {strange[0]}")
    names = _identifiers(tensor.name for tensor in tensors)
    return tuple(_input(tensor, name) for tensor, name in zip(tensors, names, strict=True))


def write(model: Model, facts: ModelFacts) -> NoCode:
    taken = declared(model, facts)
    inputs = parameters(taken)
    request = {given.parameter: given.sample for given in inputs}
    names = [tensor.name for tensor in facts.outputs]
    values = {
        "answer": _shown(names),
        "inputs": inputs,
        "kind": next(iter(facts.signatures), ""),
        "output": f"{{{', '.join(f'{text(name)}: []' for name in names)}}}",
        "request": _shown([given.parameter for given in inputs]),
    }
    about = f"{FRAMEWORKS[model.framework or ''].title}, {', '.join(map(_described, taken))}"
    return generate(model, facts, values, sample=request, about=about)


def _shown(names: Iterable[str]) -> str:
    return f"{{{', '.join(f'{text(name)}: […]' for name in names)}}}"


def _described(tensor: Tensor) -> str:
    return f"{tensor.name} {tensor.type}{list(tensor.shape) if tensor.shape is not None else ''}"


def _identifiers(names: Iterable[str]) -> list[str]:
    """Turn the model's names into parameters of run(), with underscores where Python forbids a name."""
    made: list[str] = []
    for name in names:
        word = re.sub(r"\W", "_", name, flags=re.ASCII)
        word = f"_{word}" if not word or word[0].isdigit() else word
        while keyword.iskeyword(word) or word in _RESERVED or word in made:
            word += "_"
        made.append(word)
    return made


def _input(tensor: Tensor, parameter: str) -> Input:
    renamed = f"The model calls it {text(tensor.name)}. " if parameter != tensor.name else ""
    sizes = tensor.shape if tensor.shape is not None else (-1,)
    small = math.prod(max(abs(size), 1) for size in sizes) <= _LARGEST_SAMPLE
    sample = tuple(1 if size < 0 or not small else size for size in sizes)
    free = tensor.shape is None or not small or -1 in sizes[1:]
    anything = "The model does not say what shape it takes." if tensor.shape is None else ""
    shown = anything or (f"Its shape is {list(sizes)}; -1 is any size." if free else "")
    return Input(
        parameter=parameter,
        name=text(tensor.name),
        schema=_schema(tensor, sample, free=free),
        dtype="object" if tensor.type == "str" else _dtype(tensor.type),
        sample=filled(sample, zero(tensor.type)),
        is_array=bool(sizes) and tensor.type != "str",
        comment=f"{renamed}{shown}".strip(),
    )


def _schema(tensor: Tensor, sample: tuple[int, ...], *, free: bool) -> str:
    if not sample or tensor.type == "str":  # as an array, inference_schema would cut strings to the sample's length
        return f"StandardPythonParameterType({json.dumps(filled(sample, zero(tensor.type)))})".replace("false", "False")
    loose = ", enforce_shape=False" if free else ""
    return f"NumpyParameterType(np.zeros({shape_text(sample)}, dtype={_dtype(tensor.type)}){loose})"


def _dtype(kind: str) -> str:
    return "np.bool_" if kind == "bool" else f"np.{kind}"


def filled(sizes: Sequence[int], value: Any) -> Any:
    """Return nested lists of a value."""
    if not sizes:
        return value
    return [filled(sizes[1:], value) for _ in range(sizes[0])]
