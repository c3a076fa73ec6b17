"""Read a model of any known framework, and keep of it only what can be shown and pinned."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import cast

from packaging.version import InvalidVersion, Version

from hatch_mlpackage.files.quoting import escaped
from hatch_mlpackage.project.model_facts.budget import Budget, OverBudgetError
from hatch_mlpackage.project.model_facts.content import content_of
from hatch_mlpackage.project.model_facts.facts import (
    CutShortError,
    ModelFacts,
    UnloadableModelError,
    UnreadableModelError,
)
from hatch_mlpackage.project.model_facts.model_file import ModelFile

# Framework → its module in this folder and the function there; it is loaded when such a model is read.
READERS: Mapping[str, tuple[str, str]] = {
    "sklearn": ("sklearn", "read_pickled"),
    "skops": ("sklearn", "read_skops"),
    "onnx": ("onnx", "read_onnx"),
    "tensorflow": ("saved_model", "read_saved_model"),
    "pytorch": ("pytorch", "read_pytorch"),
    "mlflow": ("mlmodel", "read_mlflow"),
    "xgboost": ("trees", "read_xgboost"),
    "lightgbm": ("trees", "read_lightgbm"),
}
FOLDERS = frozenset({"tensorflow", "mlflow"})  # the others are one file
FILE_OR_FOLDER = frozenset({"onnx"})
_LONGEST_SHOWN = 500
_LONGEST_VERSION = 100
_MOST_FEATURES = 1_000_000  # a sample request has a value of each
_MOST_DIMENSIONS = 64
# What the readers raise on bytes that are not what they claim to be.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_facts(framework: str, path: Path, budget: Budget | None = None) -> ModelFacts:
    """Read what a model's file says of itself; `framework` is a key of READERS.

    Raises OverBudgetError for a model that costs too much to read, and UnreadableModelError, and nothing else, for any
    bytes that are not such a model; an UnloadableModelError where the framework could not load them either.
    """
    module, function = READERS[framework]
    read = cast("Callable[[ModelFile], ModelFacts]", getattr(import_module(f".{module}", __package__), function))
    budget = budget or Budget()
    try:
        facts = _proven(read(ModelFile(path, budget)), budget)
    except Exception as error:
        if budget.exceeded:
            raise OverBudgetError(printable(budget.exceeded)) from error
        raise _unreadable(error, framework, path) from error
    if budget.exceeded:
        raise OverBudgetError(printable(budget.exceeded))
    return facts


def _unreadable(error: Exception, framework: str, path: Path) -> Exception:
    """Say why a file cannot be read; return any other error, a mistake in a reader, as it is."""
    if isinstance(error, OSError):
        return UnreadableModelError(f"it cannot be read: {error.strerror or error}")
    if not isinstance(error, _DAMAGE):
        return error
    content = content_of(ModelFile(path, Budget()))
    if content and content.is_cut:
        return CutShortError(f"it is {content.what}")
    if content and content.framework != framework:
        return UnloadableModelError(f"it is {content.what}", content.framework)
    if isinstance(error, UnreadableModelError):
        return type(error)(printable(str(error)))
    return UnreadableModelError(f"it is damaged or of another kind ({type(error).__name__})")


def printable(text: str) -> str:
    """Escape what a terminal would not print: names in a model's file may hold any character."""
    shown = escaped(text[: _LONGEST_SHOWN + 1])
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _proven(facts: ModelFacts, budget: Budget) -> ModelFacts:
    """Refuse facts that no script can be written from, and keep only what is valid of the versions.

    They are spelt as requirements do, which they become part of.
    """
    for tensor in (*facts.inputs, *facts.outputs):
        if len(tensor.shape or ()) > _MOST_DIMENSIONS:
            raise UnreadableModelError(f"its '{tensor.name}' has more than {_MOST_DIMENSIONS} dimensions")
    most = max(facts.feature_count or 0, len(facts.features), len(facts.inputs), len(facts.outputs))
    if most > _MOST_FEATURES:
        budget.refuse(f"it takes more values than mlpackage writes into a request ({_MOST_FEATURES})")
    versions = {name: version for name, text in facts.versions.items() if (version := _public(text))}
    lost = tuple(f"the version of {name} that made it" for name in facts.versions if name not in versions)
    return replace(facts, versions=versions, missing=(*facts.missing, *lost))


def _public(text: str) -> str:
    try:
        return Version(text).public if len(text) <= _LONGEST_VERSION else ""
    except InvalidVersion:
        return ""
