"""Read ONNX models by hand: it runs in a bare `hatch build`, which has no onnx.

The field numbers are those of github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor, UnloadableModelError, UnreadableModelError
from hatch_mlpackage.project.model_facts.protobuf import Message

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.model_file import ModelFile

# TensorProto.DataType → numpy's type, where numpy has one.
_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "str",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
_GRAPH, _OPSETS = 7, 8  # ModelProto
_INPUTS, _OUTPUTS, _INITIALIZERS, _SPARSE = 11, 12, 5, 15  # GraphProto
_DATA_LOCATION = 14  # TensorProto


def read_onnx(declared: ModelFile) -> ModelFacts:
    """Read a model's inputs and outputs, and skip its weights.

    A folder must hold one model, beside the files of its weights.
    """
    path = _model_in(declared) if declared.is_folder else declared
    with path.file() as file:
        whole = Message.of(file, declared.budget)
        graph = whole.message(_GRAPH)
        if graph is None or not whole.messages(_OPSETS):
            raise UnloadableModelError("it is not an ONNX model")
        if path is declared and any(weight.integer(_DATA_LOCATION) for weight in graph.messages(_INITIALIZERS)):
            raise UnreadableModelError("its weights are in other files: declare the folder that holds them all")
        weights = {weight.first_text(8) for weight in graph.messages(_INITIALIZERS)}
        weights |= {values.first_text(8) for weight in graph.messages(_SPARSE) for values in weight.messages(1)}
        given = [value for value in graph.messages(_INPUTS) if value.first_text(1) not in weights]
        inputs = tuple(_tensor(value) for value in given)
        outputs = tuple(value.first_text(1) for value in graph.messages(_OUTPUTS))
    if not inputs:
        raise UnreadableModelError("it takes no input")
    return ModelFacts(
        file="" if path is declared else f"{declared.name}/{path.name}",
        inputs=inputs,
        outputs=tuple(Tensor(name=name, type="") for name in outputs),
        missing=("the version of onnxruntime it was tried with",),
    )


def _model_in(folder: ModelFile) -> ModelFile:
    found = folder.named("*.onnx")
    if len(found) != 1:
        raise UnreadableModelError(f"a model's folder must hold one .onnx file, and this one holds {len(found)}")
    return folder.inside(found[0])


def _tensor(value: Message) -> Tensor:
    """Read a ValueInfoProto; JSON cannot become a sequence, a map or a type that numpy lacks."""
    name, kind = value.first_text(1), value.message(2, 1)
    number = kind.integer(1) if kind else 0
    if kind is None or number not in _TYPES:
        raise UnreadableModelError(f"its input '{name}' is not a tensor of numbers, strings or booleans")
    shape = kind.message(2)
    return Tensor(name=name, type=_TYPES[number], shape=_shape(shape) if shape else None)


def _shape(shape: Message) -> tuple[int, ...]:
    """Read a TensorShapeProto, whose dimensions have a size, a name or neither."""
    return tuple(size if (size := dimension.integer(1, -1)) > 0 else -1 for dimension in shape.messages(1))
