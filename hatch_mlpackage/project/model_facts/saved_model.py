"""Read TensorFlow's SavedModel folders by hand: it runs in a bare `hatch build`, which has no TensorFlow.

The field numbers are those of saved_model.proto and meta_graph.proto in tensorflow/core/protobuf.
"""

from __future__ import annotations

from pathlib import Path

from hatch_mlpackage.files.read import open_file
from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor, UnreadableModelError
from hatch_mlpackage.project.model_facts.protobuf import Message

DEFAULT = "serving_default"
# DataType of types.proto → numpy's type, where numpy has one.
_TYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "str",
    9: "int64",
    10: "bool",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
_META_GRAPHS = 2  # SavedModel
_META_INFO, _SIGNATURES = 1, 5  # MetaGraphDef
_TAGS, _VERSION = 4, 5  # MetaInfoDef


def read_saved_model(folder: Path) -> ModelFacts:
    """Read the signatures of the graph that is tagged for serving."""
    path = folder / "saved_model.pb"
    if not path.is_file():
        raise UnreadableModelError("it has no saved_model.pb: export it with tf.saved_model.save or model.export")
    with open_file(path) as file:
        graphs = Message.of(file).messages(_META_GRAPHS)
        graph = next((it for it in graphs if (info := it.message(_META_INFO)) and "serve" in info.texts(_TAGS)), None)
        if graph is None:
            raise UnreadableModelError("it has no graph with the tag 'serve'")
        found = {entry.first_text(1): entry.message(2) for entry in graph.messages(_SIGNATURES)}
        signatures = {name: about for name, about in found.items() if about and not name.startswith("__saved_model")}
        if not signatures:
            raise UnreadableModelError("it has no signature: name one when you save it")
        default = DEFAULT if DEFAULT in signatures else min(signatures)
        version = (graph.message(_META_INFO, _VERSION) or Message(file, 0, 0)).text()
        return ModelFacts(
            versions={"tensorflow": version} if version else {},
            inputs=_tensors(signatures[default], 1),
            outputs=_tensors(signatures[default], 2),
            signatures=(default, *sorted(signatures.keys() - {default})),
            missing=() if version else ("the version of TensorFlow that made it",),
        )


def _tensors(signature: Message, number: int) -> tuple[Tensor, ...]:
    entries = {entry.first_text(1): entry.message(2) for entry in signature.messages(number)}
    return tuple(_tensor(name, entries[name]) for name in sorted(entries))


def _tensor(name: str, about: Message | None) -> Tensor:
    kind = about.integer(2) if about else 0
    if about is None or kind not in _TYPES:
        raise UnreadableModelError(f"'{name}' in its signature is not a tensor of numbers, strings or booleans")
    shape = about.message(3)
    if shape is None or shape.integer(3):
        return Tensor(name=name, type=_TYPES[kind])
    sizes = (dimension.integer(1) for dimension in shape.messages(2))
    return Tensor(name=name, type=_TYPES[kind], shape=tuple(size if size >= 0 else -1 for size in sizes))
