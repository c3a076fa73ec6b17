"""Turn what a model's file says into the values from which the project template writes a script and its sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.model_facts.facts import Tensor
from hatch_mlpackage.project.no_code.generated import packages_of, strangers_in
from hatch_mlpackage.project.no_code.literals import zero
from hatch_mlpackage.project.no_code.tensors import filled, parameters

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.facts import ModelFacts

_MOST_NUMBERS = 1_000_000  # of a sample, which the service's description contains
_OF_TENSORS = frozenset({"onnx", "pytorch"})
_MAKERS = {"xgboost": "an XGBoost", "lightgbm": "a LightGBM"}  # by the module that a pickle imports
_CODES = (
    "some of its columns are categories of pandas, which a request gives by their codes, 0 for the first category",
    "Edit src/score.py to take their names.",
)


class UnknownInputError(ValueError):
    """Say why no request can be written for a model; the message continues a sentence that begins with its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """Describe a tensor that run() gets: numpy's name of its type, and whether any of its inner sizes is open."""

    name: str
    type: str
    is_array: bool
    is_open: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectScript:
    """Hold what the template has to know.

    `takes` says what run() gets: `rows` of numbers, `columns` by name, `texts`, or `tensors`, each of which is one of
    `parameters`. `sample` is a request. `batches` says whether a request may hold any number of rows. `label` is a
    value like the answers, `kind` is PyTorch's format, and `categories` says that XGBoost gets codes. `maker` is the
    framework that a pickle's estimator is of, with its article. `packages` are further distributions that loading the
    model imports. `notes` say what stays open, each with what to edit.
    """

    takes: str
    sample: Mapping[str, Any]
    parameters: tuple[Parameter, ...] = ()
    batches: bool = True
    label: bool | float | str = 0.0
    kind: str = ""
    categories: bool = False
    maker: str = "a scikit-learn"
    packages: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


def project_script(framework: str, facts: ModelFacts, features: int | None) -> ProjectScript:
    """Choose what run() takes; `features` is how many numbers a row has, where the file does not say it.

    Raises UnknownInputError where neither says it, or where they disagree.
    """
    made = _of_tensors(facts, features) if framework in _OF_TENSORS else _of_table(framework, facts, features)
    pandas = ("pandas",) if made.takes == "columns" and framework == "sklearn" else ()
    packages = tuple(sorted({*packages_of(facts.modules), *pandas}))
    strange = strangers_in(facts.modules)
    imports = (f"its file imports {', '.join(strange)}", "Add a requirement that brings it, or put it into src.")
    return replace(made, packages=packages, notes=(*made.notes, *([imports] if strange else [])))


def _of_table(framework: str, facts: ModelFacts, features: int | None) -> ProjectScript:
    if any(tensor.type == "str" for tensor in facts.inputs):
        return ProjectScript(takes="texts", sample={"data": ["some text"]}, label=facts.label)
    count = _agreed(facts.feature_count, features)
    row = [facts.examples.get(index, 0.0) for index in range(count)]
    names = facts.features
    if not names and any(isinstance(value, str) for value in row):
        names = tuple(f"column {index}" for index in range(count))  # a schema cannot mix types in a row without names
    # The wrappers of boosters take categories from a table only, and their codes from an array.
    named = len(set(names)) == count and not (facts.categories and framework == "sklearn")
    return ProjectScript(
        takes="columns" if named else "rows",
        sample={"data": [dict(zip(names, row, strict=True)) if named else row]},
        label=facts.label,
        categories=facts.categories,
        maker=next((maker for module, maker in _MAKERS.items() if module in facts.modules), "a scikit-learn"),
        notes=(_CODES,) if facts.categories else (),
    )


def _agreed(said: int | None, features: int | None) -> int:
    """Return how many numbers a row has, if the model's file and the user agree on it."""
    if said and features and said != features:
        raise UnknownInputError(f"takes {said} numbers in a row, not {features}: leave out --features")
    count = said or features
    if not count:
        raise UnknownInputError("does not say how many numbers a row has")
    return count


def _of_tensors(facts: ModelFacts, features: int | None) -> ProjectScript:
    """Give each input a parameter of run(); that of a single one is called `data`."""
    taken = facts.inputs or (Tensor(name="data", type="float32"),)
    shapes = [_sizes(tensor.shape, features) for tensor in taken]
    if len(taken) == 1:
        _agreed(abs(shapes[0][-1]) if len(shapes[0]) > 1 else 1, features)
    if sum(math.prod(map(abs, shape)) for shape in shapes) > _MOST_NUMBERS:
        raise UnknownInputError(f"takes more numbers than a sample can have ({_MOST_NUMBERS})")
    names = ["data"] if len(taken) == 1 else [given.parameter for given in parameters(taken)]
    made = [_parameter(name, it.type, shape) for name, it, shape in zip(names, taken, shapes, strict=True)]
    samples = [filled([abs(size) for size in shape], zero(it.type)) for it, shape in zip(taken, shapes, strict=True)]
    return ProjectScript(
        takes="tensors",
        sample=dict(zip(names, samples, strict=True)),
        parameters=tuple(made),
        batches=len(facts.outputs) > 0 and all(shape[:1] == (-1,) for shape in shapes),
        kind=next(iter(facts.signatures), ""),
        notes=tuple(
            (f"it takes {it.name} with open sizes, which are 1 in the sample", "Write real sizes into src/sample.json.")
            for it in made
            if it.is_open
        ),
    )


def _sizes(shape: Sequence[int] | None, features: int | None) -> tuple[int, ...]:
    """Return a tensor's sizes, an open one as -1, with the number of features where the file leaves a row's open."""
    if shape is None:
        shape = (-1, -1)
    if len(shape) > 1 and shape[-1] < 0 and features:
        return (*shape[:-1], features)
    if len(shape) == 2 and shape[-1] < 0:  # noqa: PLR2004 - rows
        raise UnknownInputError("does not say how many numbers a row has")
    return tuple(shape)


def _parameter(name: str, kind: str, shape: tuple[int, ...]) -> Parameter:
    return Parameter(name=name, type=kind, is_array=bool(shape) and kind != "str", is_open=-1 in shape[1:])
