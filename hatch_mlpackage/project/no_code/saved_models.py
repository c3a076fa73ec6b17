"""Serve TensorFlow's SavedModels with the requests that TensorFlow Serving takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.no_code.generated import NoCode, generate
from hatch_mlpackage.project.no_code.literals import literal, text
from hatch_mlpackage.project.no_code.tensors import declared, parameters

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts


def write(model: Model, facts: ModelFacts) -> NoCode:
    inputs = declared(model, facts)
    default = facts.signatures[0]
    sample = _instance({tensor.name: given.sample for tensor, given in zip(inputs, parameters(inputs), strict=True)})
    shapes = ", ".join(
        f"{text(tensor.name)} {tensor.type}{'' if tensor.shape is None else list(tensor.shape)}" for tensor in inputs
    )
    values = {
        "comment": f"{text(default)} takes {shapes}; the first size is the number of instances.",
        "default": text(default),
        "sample": literal([sample]),
    }
    about = f"SavedModel of TensorFlow {facts.versions.get('tensorflow', '')}, {default}({shapes})"
    return generate(model, facts, values, sample={"signature_name": default, "instances": [sample]}, about=about)


def _instance(columns: dict[str, Any]) -> Any:
    """Return the first row of a batch, or its plain value where there is one input."""
    row = {name: batch[0] if isinstance(batch, list) and batch else batch for name, batch in columns.items()}
    return next(iter(row.values())) if len(row) == 1 else row
