"""Read the booster inside a pickled estimator of XGBoost or LightGBM: the estimator's own attributes say little."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.model_facts.facts import ModelFacts
from hatch_mlpackage.project.model_facts.stand_ins import Made, state_of
from hatch_mlpackage.project.model_facts.trees import facts_of_lightgbm, facts_of_xgboost
from hatch_mlpackage.project.model_facts.ubjson import read_ubjson

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.budget import Budget


def facts_of_wrapped(estimator: object, budget: Budget) -> ModelFacts | None:
    """Return what the booster says that an estimator wraps, or None for an estimator without one."""
    booster = state_of(estimator).get("_Booster")
    if not isinstance(booster, Made):
        return None
    state = state_of(booster)
    if booster.type.startswith("xgboost."):
        return _of_xgboost(state.get("handle"), budget)
    return _of_lightgbm(state, budget) if booster.type.startswith("lightgbm.") else None


def _of_xgboost(handle: object, budget: Budget) -> ModelFacts | None:
    """Read a booster as Booster.__getstate__ serialises it: its configuration, and then the model."""
    content = handle.arguments[0] if isinstance(handle, Made) and isinstance(handle.arguments, tuple) else handle
    if isinstance(content, str):  # in the protocols that have no bytes
        content = content.encode("latin-1")
    if not isinstance(content, bytes) or not content.startswith(b"{"):
        return None
    document = read_ubjson(io.BytesIO(content), budget, cut=True)
    configuration, model = (_table(document, name) for name in ("Config", "Model"))
    unknown = {"learner_model_param": {"num_feature": 0}}
    learner = {**unknown, **_table(configuration, "learner"), **_table(model, "learner")}
    return facts_of_xgboost({"learner": learner, "version": configuration.get("version", ())})


def _table(document: object, name: str) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _of_lightgbm(state: Mapping[str, Any], budget: Budget) -> ModelFacts | None:
    text = state.get("_handle", state.get("handle"))  # since version 4, and before
    if not isinstance(text, str):
        return None
    facts = facts_of_lightgbm(text.encode("utf-8", "surrogatepass"), budget)
    return replace(facts, categories=bool(state.get("pandas_categorical")))
