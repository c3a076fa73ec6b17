"""Stand-ins for what entry scripts import and nobody installs any more, found only where the real ones are absent."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
from typing import Sequence

FOLDER = os.path.dirname(os.path.abspath(__file__))
OLD_JOBLIB = "sklearn.externals.joblib"
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


class JoblibFinder(importlib.abc.MetaPathFinder):
    """Finds `sklearn.externals.joblib`, which scikit-learn no longer has: it is joblib, under another name.

    It is asked first, since the modules below joblib would otherwise be found, and made, a second time.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != OLD_JOBLIB and not fullname.startswith(f"{OLD_JOBLIB}."):
            return None
        name = fullname[len(OLD_JOBLIB) - len("joblib") :]
        if not self._is_missing(fullname, path) or importlib.util.find_spec(name) is None:
            return None
        return importlib.util.spec_from_loader(fullname, SameModule(name))

    @staticmethod
    def _is_missing(fullname: str, path: Sequence[str] | None) -> bool:
        if fullname == OLD_JOBLIB:
            return importlib.machinery.PathFinder.find_spec(fullname, path) is None
        return sys.modules[OLD_JOBLIB] is sys.modules.get("joblib")


class SameModule(importlib.abc.Loader):
    """Loads a module by giving out another one, so that both names are one module."""

    def __init__(self, name: str) -> None:
        self._module = importlib.import_module(name)
        self._spec = self._module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put the other name's there


def install() -> None:
    """Make the stand-ins importable."""
    if not any(isinstance(finder, ShimFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, JoblibFinder())
        sys.meta_path.append(ShimFinder())
