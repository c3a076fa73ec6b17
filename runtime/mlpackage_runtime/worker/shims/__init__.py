"""Stand-ins for the azureml packages that entry scripts import, found only where the real ones are not installed."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
from typing import Sequence

FOLDER = os.path.dirname(os.path.abspath(__file__))
PLACEHOLDERS = "azureml.core."  # modules below it that have no file here are full of placeholders


class ShimFinder(importlib.abc.MetaPathFinder):
    """The last finder to be asked: whatever is really installed has been found before."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in {"azureml", "azureml_inference_server_http"}:
            return None
        base = os.path.join(FOLDER, *fullname.split("."))
        folder = os.path.join(base, "__init__.py")
        if os.path.isfile(folder):
            return importlib.util.spec_from_file_location(fullname, folder, submodule_search_locations=[])
        if os.path.isfile(f"{base}.py"):
            return importlib.util.spec_from_file_location(fullname, f"{base}.py")
        if fullname.startswith(PLACEHOLDERS):
            everything = os.path.join(FOLDER, "azureml", "core", "__init__.py")
            return importlib.util.spec_from_file_location(fullname, everything, submodule_search_locations=[])
        return None


def install() -> None:
    """Make the stand-ins importable, behind everything that is installed."""
    if not any(isinstance(finder, ShimFinder) for finder in sys.meta_path):
        sys.meta_path.append(ShimFinder())
