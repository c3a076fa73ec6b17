"""Names that only the cloud has: each can be imported, and says what to use instead when it is used."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from hatch_mlpackage.azureml.exceptions import NotInTheCloudError
from hatch_mlpackage.azureml.local.cloud_names import FAMILIES, IN_ENTRY_SCRIPTS, MEMBERS, MODULES

PREFIX = "hatch_mlpackage.azureml"

Named = TypeVar("Named", bound=type)


def refuse(what: str, instead: str) -> NoReturn:
    raise NotInTheCloudError(f"{what} needs Azure ML in the cloud, which is not used here: {instead}.")


class _CloudOnlyClass(type):
    """A class that can be imported and given to `isinstance`; calling it or taking a member raises an error."""

    instead: str

    def __call__(cls, *_values: object, **_named: object) -> NoReturn:
        refuse(cls.__name__, cls.instead)

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"{cls.__name__}.{name}", cls.instead)


class _CloudOnlyMember:
    """A member that raises an error when it is read from the class or from an object."""

    def __init__(self, what: str, instead: str) -> None:
        self._what = what
        self._instead = instead

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        refuse(self._what, self._instead)


def with_cloud_only_members(named: Named) -> Named:
    """Give a class the members that only the cloud has."""
    for name, instead in MEMBERS[named.__name__].items():
        setattr(named, name, _CloudOnlyMember(f"{named.__name__}.{name}", instead))
    return named


def cloud_only_classes(module: str) -> dict[str, Any]:
    """Return the classes of a module that only the cloud has; a name is the same class in every module."""
    return {name: _class(name, instead) for name, instead in MODULES[module].items()}


@cache
def _class(name: str, instead: str) -> type:
    return _CloudOnlyClass(name, (), {"instead": instead, "__module__": PREFIX})


class _CloudOnlyModule(ModuleType):
    """A module of the SDK that is not here: it has every public name, as a class that only the cloud has."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return _class(name, FAMILIES[_family(self.__name__.removeprefix(f"{PREFIX}."))])


class _CloudOnlyFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the SDK's modules that are not here, as the last finder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if not fullname.startswith(f"{PREFIX}."):
            return None
        module = fullname.removeprefix(f"{PREFIX}.")
        if not _family(module):
            raise ModuleNotFoundError(_not_found(module), name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _CloudOnlyModule(spec.name, "Names that only the cloud has.")

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module makes each name when it is asked for it."""


def _family(module: str) -> str:
    """Return the longest of FAMILIES that a module belongs to; empty for none, and for private modules."""
    parts = module.split(".")
    if any(part.startswith("_") for part in parts) or module.startswith(IN_ENTRY_SCRIPTS):
        return ""
    above = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((name for name in above if name in FAMILIES), "")


def _not_found(module: str) -> str:
    if module.startswith(IN_ENTRY_SCRIPTS):
        return (
            f"No module named 'azureml.{module}': an entry script has it from the server that runs it. "
            "Serve the script: mlpackage serve --entry_script FILE"
        )
    return (
        f"No module named 'azureml.{module}' here: {PREFIX} has the SDK's public modules for models, environments, "
        "packages and local services. Where the program needs the SDK itself, install it (pip install azureml-core) "
        "and run the program with python"
    )


def find_cloud_only_modules() -> None:
    """Make the SDK's modules importable that are not here, once."""
    if not any(isinstance(finder, _CloudOnlyFinder) for finder in sys.meta_path):
        sys.meta_path.append(_CloudOnlyFinder())
