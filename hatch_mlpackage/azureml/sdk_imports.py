"""Answer the SDK's imports: `azureml.core.model` is then the module `hatch_mlpackage.azureml.core.model` itself."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

_SDK, _OURS = "azureml", "hatch_mlpackage"
_CORE = "azureml-core"


def installed_sdk() -> str:
    """Return the installed SDK by name and version, as `azureml-core 1.61.0`, or an empty text."""
    try:
        found = importlib.util.find_spec(f"{_SDK}.core")
    except ModuleNotFoundError:  # not even the package above it
        return ""
    try:
        return f"{_CORE} {version(_CORE)}" if found else ""
    except PackageNotFoundError:  # its files are there, as in a checkout
        return _CORE


def answer_imports(*, before_others: bool) -> None:
    """Answer the imports below `azureml` that nothing else answers, or all of them with `before_others`."""
    if before_others:
        for name in [name for name in sys.modules if name.partition(".")[0] == _SDK]:
            del sys.modules[name]  # what a `.pth` file, or looking for the SDK, has imported
    sys.meta_path.insert(0, _Finder(before_others=before_others))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds our module for each of the SDK's names.

    It is the first finder, because the others would find the files of our packages and load them a second time.
    """

    def __init__(self, *, before_others: bool) -> None:
        self._before_others = before_others

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != _SDK:
            return None
        if not self._before_others and not _is_below_ours(fullname) and self._is_answered(fullname, path, target):
            return None
        try:
            module = importlib.import_module(f"{_OURS}.{fullname}")
        except ModuleNotFoundError as error:
            if error.name != f"{_OURS}.{fullname}":
                raise
            raise ModuleNotFoundError(str(error), name=fullname) from None
        return importlib.util.spec_from_loader(fullname, _SameModule(module), is_package=hasattr(module, "__path__"))

    def _is_answered(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> bool:
        others = (finder.find_spec for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        return any(find(fullname, path, target) is not None for find in others)


def _is_below_ours(fullname: str) -> bool:
    above = sys.modules.get(fullname.rpartition(".")[0])
    return above is not None and above.__name__.partition(".")[0] == _OURS


class _SameModule(importlib.abc.Loader):
    """Loads a module by returning one that is loaded, so that each class exists once, whatever its name."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        del spec
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has replaced it with the other name's
