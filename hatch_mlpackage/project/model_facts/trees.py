"""Read XGBoost's models (JSON, UBJSON) and LightGBM's (text) by hand: a bare `hatch build` has neither library."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.model_facts.budget import OverBudgetError
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnloadableModelError, UnreadableModelError
from hatch_mlpackage.project.model_facts.text import parse_json, without_numbers
from hatch_mlpackage.project.model_facts.ubjson import read_ubjson

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.budget import Budget
    from hatch_mlpackage.project.model_facts.model_file import ModelFile

_LONGEST = 1 << 29  # bytes of JSON
_BINARY = (b"binf", b"CONFIG-offset:")
_HEAD_OF_LIGHTGBM = 1 << 26  # bytes; the names and ranges of the features must fit
_TAIL_OF_LIGHTGBM = 1 << 20
_OPERATIONS_OF_A_NAME = 4


def read_xgboost(model: ModelFile) -> ModelFacts:
    """Read what Booster.save_model wrote (xgboost.readthedocs.io/en/stable/tutorials/saving_model.html)."""
    document = _document(model)
    if not isinstance(document, dict) or "learner" not in document:
        raise UnloadableModelError("it holds no model: save it with save_model")
    return facts_of_xgboost(document)


def facts_of_xgboost(document: Any) -> ModelFacts:
    """Return what a booster's document says."""
    learner = document["learner"]
    names = tuple(map(str, learner.get("feature_names") or ()))
    count = int(learner["learner_model_param"]["num_feature"])
    return ModelFacts(
        versions={"xgboost": ".".join(str(int(part)) for part in document["version"])},
        features=names,
        feature_count=len(names) or count or None,
        categories="c" in (learner.get("feature_types") or ()),
        missing=() if names or count else ("what it takes",),
    )


def _document(model: ModelFile) -> Any:
    with model.file() as file:
        start = file.read(64)
        kind = UnreadableModelError if start.startswith(_BINARY) else UnloadableModelError  # old versions load those
        if not start.lstrip().startswith(b"{"):
            raise kind('it is not in JSON or UBJSON: save it again with save_model("model.ubj")')
        # After the brace, UBJSON has a length, and JSON has a quote or white space.
        if start[:2] in {b"{L", b"{$", b"{#"}:
            file.seek(0)
            return read_ubjson(file, model.budget)
    try:
        return parse_json(without_numbers(model.content(_LONGEST), model.budget), model.budget)
    except OverBudgetError:
        raise
    except ValueError:
        raise UnloadableModelError("it is not JSON to its end: it is damaged or cut short") from None


def read_lightgbm(model: ModelFile) -> ModelFacts:
    """Read what Booster.save_model wrote: lines `name=value`, followed by the trees."""
    start, tail = model.head_and_tail(_HEAD_OF_LIGHTGBM, _TAIL_OF_LIGHTGBM)
    categories = re.search(rb"(?m)^pandas_categorical:\[\s*\[", tail) is not None
    return replace(facts_of_lightgbm(start, model.budget), categories=categories)


def facts_of_lightgbm(start: bytes, budget: Budget) -> ModelFacts:
    """Return what the first lines of a booster's text say."""
    head = start.partition(b"\nTree=")[0] if start.startswith(b"tree") else b""
    last = _value(head, b"max_feature_idx")
    if not last:
        raise UnloadableModelError('it is not in the text format of LightGBM: save it with save_model("model.txt")')
    names = _names(_value(head, b"feature_names"), budget)
    count = int(last) + 1
    if len(names) != count:
        raise UnloadableModelError(f"it has {count} features, and names for {len(names)}")
    invented = all(name == f"Column_{index}" for index, name in enumerate(names))
    return ModelFacts(
        features=() if invented else names, feature_count=count, missing=("the version of LightGBM that made it",)
    )


def _value(head: bytes, name: bytes) -> bytes:
    """Return what the last line of this name says, or nothing."""
    start = head.rfind(b"\n" + name + b"=") + len(name) + 2
    return head[start:].partition(b"\n")[0].rstrip(b"\r") if start > len(name) + 1 else b""


def _names(line: bytes, budget: Budget) -> tuple[str, ...]:
    budget.work(_OPERATIONS_OF_A_NAME * line.count(b" "))
    return tuple(line.decode().split(" "))
