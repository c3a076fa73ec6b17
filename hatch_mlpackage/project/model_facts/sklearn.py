"""Read scikit-learn's pickles, joblib's files and skops' archives by hand: a bare `hatch build` has no scikit-learn."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from hatch_mlpackage.project.model_facts.encoders import examples_in, takes_text
from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor, UnreadableModelError
from hatch_mlpackage.project.model_facts.pickled import read_pickle
from hatch_mlpackage.project.model_facts.stand_ins import (
    ImportedName,
    Made,
    array,
    kind_of,
    number_of,
    state_of,
    step_of,
    strings_of,
)
from hatch_mlpackage.project.model_facts.text import parse_json
from hatch_mlpackage.project.model_facts.wrapped import facts_of_wrapped

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.archive import Archive
    from hatch_mlpackage.project.model_facts.budget import Budget
    from hatch_mlpackage.project.model_facts.model_file import ModelFile

T = TypeVar("T")

PICKLE = "it is a pickle, which is a program that runs when it is loaded"
# Attributes that hold the estimator which sees the input first; sklearn's own properties look there too.
_INNER = ("best_estimator_", "estimator_", "regressor_", "estimators_")
_DEEPEST = 20
_LABELS: Mapping[str, float | str] = {"U": "", "O": "", "S": "", "i": 0, "u": 0, "b": False}
_TRUSTED = frozenset({"builtins", "collections", "numpy", "scipy", "sklearn"})
_NPY_HEADER = 1 << 13  # bytes, in which the header is
_OPERATIONS_OF_AN_ARRAY = 32


def read_pickled(model: ModelFile) -> ModelFacts:
    """Read a pickle or a joblib file, compressed or not."""
    with model.stream() as stream:
        unpickled = read_pickle(stream)
    if unpickled.own:
        raise UnreadableModelError(
            f"it needs {unpickled.own} from the program that trained it, which the image does not have"
        )
    return _facts(unpickled.root, unpickled.names, model.budget, runs_code=PICKLE)


def read_skops(model: ModelFile) -> ModelFacts:
    """Read what skops.io.dump wrote."""
    try:
        with model.archive() as archive:
            schema = parse_json(archive.read("schema.json"), model.budget)
            names: set[ImportedName] = set()
            root = _from_skops(schema, _Skops(archive, names, model.budget))
    except zipfile.BadZipFile:
        raise UnreadableModelError("it is not a skops archive") from None
    facts = _facts(root, names, model.budget)
    version = schema.get("_skops_version")
    return replace(
        facts,
        versions={**facts.versions, **({"skops": version} if isinstance(version, str) else {})},
        doubtful=tuple(sorted(str(name) for name in names if _is_doubtful(name))),
    )


def _is_doubtful(name: ImportedName) -> bool:
    """Tell whether skops may refuse a class: newer versions refuse trees' and those of unrelated packages."""
    return str(name) == "sklearn.tree._tree.Tree" or name.module.partition(".")[0] not in _TRUSTED


def _facts(root: object, names: Iterable[ImportedName], budget: Budget, *, runs_code: str = "") -> ModelFacts:
    if not isinstance(root, Made) or root.type.startswith("builtins.") or not state_of(root):
        raise UnreadableModelError(f"it holds {_described(root)}, not a trained estimator")
    seeing = list(_seeing_input(root))
    states = [state_of(inner) for inner in seeing]
    wrapped = next((facts for inner in seeing if (facts := facts_of_wrapped(inner, budget))), ModelFacts())
    features = _first(strings_of(state.get("feature_names_in_")) for state in states) or wrapped.features
    counts = (number_of(state.get("n_features_in_")) for state in states)
    count = len(features) or _first(counts) or wrapped.feature_count
    texts = not count and any(map(takes_text, seeing))
    version = _first(given for state in states if isinstance(given := state.get("_sklearn_version"), str)) or ""
    modules = frozenset(name.module.partition(".")[0] for name in names)
    missing = [] if version else ["the version of scikit-learn that made it"]
    return ModelFacts(
        versions={**({"scikit-learn": version} if version else {}), **wrapped.versions},
        features=features,
        feature_count=count,
        examples=examples_in(seeing, budget),
        inputs=(Tensor(name="data", type="str", shape=(-1,)),) if texts else (),
        label=_label(_last(root)),
        categories=wrapped.categories,
        runs_code=runs_code,
        modules=modules | ({"numpy._core"} if any(name.module.startswith("numpy._core") for name in names) else set()),
        missing=(*missing, *([] if count or texts else ["what it takes"])),
    )


def _first(values: Iterable[T | None]) -> T | None:
    """Return the first value that is not empty, or None."""
    return next((value for value in values if value), None)


def _described(root: object) -> str:
    if isinstance(root, Made):
        return root.type
    kinds: Mapping[type, str] = {dict: "a dict", list: "a list", tuple: "a tuple", str: "a string"}
    return kinds.get(type(root), "something else")


def _seeing_input(estimator: object) -> Iterator[object]:
    """Yield the estimator, and each inner one that gets the same input."""
    for _ in range(_DEEPEST):
        yield estimator
        state = state_of(estimator)
        step = step_of(estimator, 0)
        inner = step or next((state[name] for name in _INNER if name in state), None)
        estimator = inner[0] if isinstance(inner, list) and inner else inner


def _last(estimator: object) -> object:
    """Return the innermost estimator, whose answer is the model's."""
    for _ in range(_DEEPEST):
        state = state_of(estimator)
        inner = step_of(estimator, -1) or state.get("best_estimator_")
        if inner is None:
            break
        estimator = inner
    return estimator


def _label(estimator: object) -> float | str:
    """Return a value like those it predicts; a classifier's has the type of its classes."""
    state = state_of(estimator)
    classes = state.get("classes_", state.get("_classes"))  # of LightGBM
    return 0 if "n_classes_" in state and classes is None else _LABELS.get(kind_of(classes), 0.0)  # of XGBoost


class _Skops(NamedTuple):
    """The archive that a schema describes, and the names of the classes in it."""

    archive: Archive
    names: set[ImportedName]
    budget: Budget


def _from_skops(node: object, skops: _Skops) -> Any:
    """Turn a node of skops' schema into what a pickle of the same object gives."""
    skops.budget.work()
    if not isinstance(node, dict):
        return node
    kind, content = node.get("__loader__"), node.get("content")
    if kind == "JsonNode" and isinstance(content, str):
        return parse_json(content, skops.budget)
    if kind == "DictNode" and isinstance(content, dict):
        return {name: _from_skops(value, skops) for name, value in content.items()}
    if kind in {"ListNode", "TupleNode"} and isinstance(content, list):
        return [_from_skops(value, skops) for value in content]
    made = Made(ImportedName(str(node.get("__module__")), str(node.get("__class__"))), ())
    skops.names.add(made.maker)  # type: ignore[arg-type]
    if kind == "NdArrayNode":
        return _array(node, skops)
    if isinstance(content, dict):
        made.state = _from_skops(content, skops)
    return made


def _array(node: Mapping[str, Any], skops: _Skops) -> object:
    content, file = node.get("content"), node.get("file")
    if isinstance(content, list):
        return array(None, _dtype("O8"), [_from_skops(item, skops) for item in content])
    if not isinstance(file, str):
        return None
    skops.budget.work(_OPERATIONS_OF_AN_ARRAY)
    header = skops.archive.stream(file).read(_NPY_HEADER).partition(b"\n")[0].decode("latin-1")
    code = re.search(r"'descr': '[<>|=]?([^']*)'", header)
    return array(None, _dtype(code[1] if code else ""))


def _dtype(code: str) -> Made:
    return Made("numpy.dtype", (code,))
