"""Read scikit-learn's pickles, joblib's files and skops' archives by hand: a bare `hatch build` has no scikit-learn."""

from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hatch_mlpackage.files.read import open_file
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.pickled import read_pickle
from hatch_mlpackage.project.model_facts.stand_ins import ImportedName, Made, array, kind_of, number_of, strings_of
from hatch_mlpackage.project.model_facts.stream import open_stream, read_member

T = TypeVar("T")

PICKLE = "it is a pickle, which is a program that runs when it is loaded"
# Attributes that hold the estimator which sees the input first; sklearn's own properties look there too.
_INNER = ("best_estimator_", "estimator_", "regressor_", "estimators_")
_DEEPEST = 20
_LABELS: Mapping[str, float | str] = {"U": "", "O": "", "S": "", "i": 0, "u": 0, "b": False}
_TRUSTED = frozenset({"builtins", "collections", "numpy", "scipy", "sklearn"})
_NPY_HEADER = 10  # bytes before the header, in version 1 of the format


def read_pickled(path: Path) -> ModelFacts:
    """Read a pickle or a joblib file, compressed or not."""
    file, stream = open_stream(path)
    with closing(file):
        unpickled = read_pickle(stream)
    if unpickled.own:
        raise UnreadableModelError(
            f"it needs {unpickled.own} from the program that trained it, which the image does not have"
        )
    return _facts(unpickled.root, unpickled.names, runs_code=PICKLE)


def read_skops(path: Path) -> ModelFacts:
    """Read what skops.io.dump wrote."""
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            schema = json.loads(read_member(archive, "schema.json"))
            names: set[ImportedName] = set()
            root = _from_skops(schema, archive, names)
    except zipfile.BadZipFile:
        raise UnreadableModelError("it is not a skops archive") from None
    facts = _facts(root, names)
    version = schema.get("_skops_version")
    return replace(
        facts,
        versions={**facts.versions, **({"skops": version} if isinstance(version, str) else {})},
        doubtful=tuple(sorted(str(name) for name in names if _is_doubtful(name))),
    )


def _is_doubtful(name: ImportedName) -> bool:
    """Tell whether skops may refuse a class: newer versions refuse trees' and those of unrelated packages."""
    return str(name) == "sklearn.tree._tree.Tree" or name.module.partition(".")[0] not in _TRUSTED


def _facts(root: object, names: Iterable[ImportedName], *, runs_code: str = "") -> ModelFacts:
    state = _state(root)
    if not isinstance(root, Made) or root.type.startswith("builtins.") or not state:
        raise UnreadableModelError(f"it holds {_described(root)}, not a trained estimator")
    states = [_state(inner) for inner in _seeing_input(root)]
    features = _first(strings_of(state.get("feature_names_in_")) for state in states) or ()
    count = len(features) or _first(number_of(state.get("n_features_in_")) for state in states)
    version = str(_first(state.get("_sklearn_version") for state in states) or "")
    modules = frozenset(name.module.partition(".")[0] for name in names)
    missing = [] if version else ["the version of scikit-learn that made it"]
    return ModelFacts(
        versions={"scikit-learn": version} if version else {},
        features=features,
        feature_count=count,
        label=_label(_last(root)),
        runs_code=runs_code,
        modules=modules | ({"numpy._core"} if any(name.module.startswith("numpy._core") for name in names) else set()),
        missing=(*missing, *([] if count else ["what it takes"])),
    )


def _first(values: Iterable[T | None]) -> T | None:
    """Return the first value that is not empty, or None."""
    return next((value for value in values if value), None)


def _described(root: object) -> str:
    if isinstance(root, Made):
        return root.type
    kinds: Mapping[type, str] = {dict: "a dict", list: "a list", tuple: "a tuple", str: "a string"}
    return kinds.get(type(root), "something else")


def _state(estimator: object) -> Mapping[str, Any]:
    state = estimator.state if isinstance(estimator, Made) else None
    if isinstance(state, tuple) and state:  # a class with slots has their values second
        state = state[0]
    return state if isinstance(state, dict) else {}


def _seeing_input(estimator: object) -> Iterator[object]:
    """Yield the estimator, and each inner one that gets the same input."""
    for _ in range(_DEEPEST):
        yield estimator
        state = _state(estimator)
        steps = _steps(state)
        inner = steps[0] if steps else next((state[name] for name in _INNER if name in state), None)
        estimator = inner[0] if isinstance(inner, list) and inner else inner


def _last(estimator: object) -> object:
    """Return the innermost estimator, whose answer is the model's."""
    for _ in range(_DEEPEST):
        state = _state(estimator)
        steps = _steps(state)
        inner = steps[-1] if steps else state.get("best_estimator_")
        if inner is None:
            break
        estimator = inner
    return estimator


def _steps(state: Mapping[str, Any]) -> list[object]:
    steps = state.get("steps")
    if not isinstance(steps, list):
        return []
    return [step[1] for step in steps if isinstance(step, tuple | list) and len(step) > 1]


def _label(estimator: object) -> float | str:
    """Return a value like those it predicts; a classifier's has the type of its classes."""
    return _LABELS.get(kind_of(_state(estimator).get("classes_")), 0.0)


def _from_skops(node: object, archive: zipfile.ZipFile, names: set[ImportedName]) -> Any:
    """Turn a node of skops' schema into what a pickle of the same object gives."""
    if not isinstance(node, dict):
        return node
    kind, content = node.get("__loader__"), node.get("content")
    if kind == "JsonNode" and isinstance(content, str):
        return json.loads(content)
    if kind == "DictNode" and isinstance(content, dict):
        return {name: _from_skops(value, archive, names) for name, value in content.items()}
    if kind in {"ListNode", "TupleNode"} and isinstance(content, list):
        return [_from_skops(value, archive, names) for value in content]
    made = Made(ImportedName(str(node.get("__module__")), str(node.get("__class__"))), ())
    names.add(made.maker)  # type: ignore[arg-type]
    if kind == "NdArrayNode":
        return _array(node, archive, names)
    if isinstance(content, dict):
        made.state = _from_skops(content, archive, names)
    return made


def _array(node: Mapping[str, Any], archive: zipfile.ZipFile, names: set[ImportedName]) -> object:
    content, file = node.get("content"), node.get("file")
    if isinstance(content, list):
        return array(None, _dtype("O8"), [_from_skops(item, archive, names) for item in content])
    if not isinstance(file, str):
        return None
    with archive.open(file) as opened:
        head = opened.read(_NPY_HEADER)
        header = ast.literal_eval(opened.read(int.from_bytes(head[8:], "little")).decode("latin-1"))
    return array(header.get("shape"), _dtype(str(header.get("descr")).lstrip("<>|=")))


def _dtype(code: str) -> Made:
    return Made("numpy.dtype", (code,))
