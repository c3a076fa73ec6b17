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
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError

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


def read_facts(framework: str, path: Path) -> ModelFacts:
    """Read what a model's file says of itself; `framework` is a key of READERS.

    Raises UnreadableModelError, and nothing else, for any bytes that are not such a model.
    """
    module, function = READERS[framework]
    read = cast("Callable[[Path], ModelFacts]", getattr(import_module(f".{module}", __package__), function))
    try:
        return _proven(read(path))
    except UnreadableModelError as error:
        raise UnreadableModelError(printable(str(error))) from error
    except OSError as error:
        raise UnreadableModelError(f"it cannot be read: {error.strerror or error}") from error
    except _DAMAGE as error:
        raise UnreadableModelError(f"it is damaged or of another kind ({type(error).__name__})") from error


def printable(text: str) -> str:
    """Escape what a terminal would not print: names in a model's file may hold any character."""
    shown = escaped(text)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _proven(facts: ModelFacts) -> ModelFacts:
    """Drop versions that are not valid, and spell the others as requirements do, which they become part of."""
    versions = {name: version for name, text in facts.versions.items() if (version := _public(text))}
    lost = tuple(f"the version of {name} that made it" for name in facts.versions if name not in versions)
    return replace(facts, versions=versions, missing=(*facts.missing, *lost))


def _public(text: str) -> str:
    try:
        return Version(text).public
    except InvalidVersion:
        return ""
