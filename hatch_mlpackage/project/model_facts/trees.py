"""Read XGBoost's models (JSON, UBJSON) and LightGBM's (text) by hand: a bare `hatch build` has neither library."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hatch_mlpackage.files.read import file_bytes, open_file
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.ubjson import read_ubjson

_LONGEST = 1 << 31  # bytes
_BINARY = (b"binf", b"CONFIG-offset:")
_HEAD_OF_LIGHTGBM = 1 << 26  # bytes; the names and ranges of the features must fit


def read_xgboost(path: Path) -> ModelFacts:
    """Read what Booster.save_model wrote (xgboost.readthedocs.io/en/stable/tutorials/saving_model.html)."""
    if path.stat().st_size > _LONGEST:
        raise UnreadableModelError(f"it is larger than {_LONGEST >> 30} GB, the most that mlpackage reads")
    content = file_bytes(path)
    if content.startswith(_BINARY) or not content.lstrip().startswith(b"{"):
        raise UnreadableModelError('it is not in JSON or UBJSON: save it again with save_model("model.ubj")')
    # After the brace, UBJSON has a length, and JSON has a quote or white space.
    document: Any = read_ubjson(content) if content[:2] in {b"{L", b"{$", b"{#"} else json.loads(content)
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


def read_lightgbm(path: Path) -> ModelFacts:
    """Read what Booster.save_model wrote: lines `name=value`, followed by the trees."""
    with open_file(path) as file:
        head = file.read(_HEAD_OF_LIGHTGBM).partition(b"\nTree=")[0]
        file.seek(max(0, path.stat().st_size - (1 << 20)))
        tail = file.read()
    lines = dict(re.findall(r"(?m)^(\w+)=(.*?)\r?$", head.decode())) if head.startswith(b"tree") else {}
    if "max_feature_idx" not in lines:
        raise UnreadableModelError('it is not in the text format of LightGBM: save it with save_model("model.txt")')
    if re.search(rb"(?m)^pandas_categorical:\[\s*\[", tail):
        raise UnreadableModelError("it uses pandas categories, whose codes only a DataFrame provides")
    names = tuple(lines.get("feature_names", "").split(" "))
    count = int(lines["max_feature_idx"]) + 1
    if len(names) != count:
        raise UnreadableModelError(f"it has {count} features, and names for {len(names)}")
    invented = names == tuple(f"Column_{index}" for index in range(count))
    return ModelFacts(
        features=() if invented else names, feature_count=count, missing=("the version of LightGBM that made it",)
    )
