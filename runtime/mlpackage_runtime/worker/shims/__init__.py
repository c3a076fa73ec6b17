"""Provide stand-ins for packages that entry scripts import, where the real packages are not installed."""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Optional, Sequence

FOLDER = os.path.dirname(os.path.abspath(__file__))
OLD_JOBLIB = "sklearn.externals.joblib"
PLACEHOLDERS = "azureml.core."  # a module below it without a file here has placeholders alone


class ShimFinder:
    """Finds the stand-ins, as the last finder, so that an installed package is found before them."""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
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


class JoblibFinder:
    """Finds `sklearn.externals.joblib`, the name under which scikit-learn used to contain joblib.

    It is the first finder, because others would find the modules below joblib and load them a second time.
    """

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname != OLD_JOBLIB and not fullname.startswith(f"{OLD_JOBLIB}."):
            return None
        name = fullname[len(OLD_JOBLIB) - len("joblib") :]
        if not self._is_missing(fullname, path) or importlib.util.find_spec(name) is None:
            return None
        loader: Any = SameModule(name)  # without importlib.abc, whose import takes long
        return importlib.util.spec_from_loader(fullname, loader)

    @staticmethod
    def _is_missing(fullname: str, path: Optional[Sequence[str]]) -> bool:
        if fullname == OLD_JOBLIB:
            return importlib.machinery.PathFinder.find_spec(fullname, path) is None
        return sys.modules[OLD_JOBLIB] is sys.modules.get("joblib")


class SameModule:
    """Loads a module by returning another one, so that both names mean one module."""

    def __init__(self, name: str) -> None:
        self._module = importlib.import_module(name)
        self._spec = self._module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has replaced it with the other name's


def install() -> None:
    """Make the stand-ins importable, once."""
    if not any(isinstance(finder, ShimFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, JoblibFinder())
        sys.meta_path.append(ShimFinder())
