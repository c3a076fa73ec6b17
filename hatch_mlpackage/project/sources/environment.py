"""Tell what can be imported in the image: its Python's standard library and its locked distributions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from hatch_mlpackage.project.sources.distributions import DISTRIBUTIONS, STAND_INS

# The first Python without modules of the standard library, and the first with others, or with parts of modules that it
# had before (docs.python.org/3/whatsnew).
REMOVED = {
    "3.8": "macpath",
    "3.9": "dummy_threading",
    "3.10": "formatter parser symbol",
    "3.11": "binhex",
    "3.12": "asynchat asyncore distutils imp smtpd",
    "3.13": "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd"
    " sunau telnetlib uu xdrlib",
}
ADDED = {
    "3.7": "contextvars dataclasses importlib.resources",
    "3.8": "importlib.metadata",
    "3.9": "graphlib zoneinfo",
    "3.11": "tomllib",
    "3.14": "annotationlib compression",
}
# Modules of these that a distribution of the same name brings to an older Python.
BACKPORTS = frozenset({"contextvars", "dataclasses"})
# Module → the distribution that makes it importable by a hook, without a module in its wheel.
_HOOKED = {"distutils": "setuptools"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """Describe a locked distribution; `modules` are what it makes importable, None if unknown."""

    name: str
    version: str
    modules: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageEnvironment:
    """Describe what the image installs; `python` is X.Y.

    `closed` is false if unknown modules may be importable too, such as those of conda's packages.
    """

    python: str
    distributions: Mapping[str, Distribution]
    closed: bool = True

    @property
    def is_known(self) -> bool:
        """Tell whether every importable module is known, so that no other can be imported."""
        return self.closed and all(one.modules is not None for one in self.distributions.values())

    def provides(self, module: str) -> bool:
        """Tell whether a dotted name is known to be importable."""
        return (
            (module.partition(".")[0] in standard_library(self.python) and not added_after(self.python, module))
            or any(_holds(stand_in, module) for stand_in in STAND_INS)
            or any(_holds(held, module) for one in self.distributions.values() for held in one.modules or ())
            or _HOOKED.get(module.partition(".")[0]) in self.distributions
            or any(
                name in self.distributions and self.distributions[name].modules is None
                for name in likely_distributions(module)
            )
            or self._has_folder(module)
        )

    def _has_folder(self, module: str) -> bool:
        """Tell whether a wheel of libraries may have a module's folder, as `nvidia/nccl`: Python imports any folder."""
        top = f"{canonicalize_name(module.partition('.')[0])}-"
        return any(one.name.startswith(top) for one in self.distributions.values() if one.modules == ())

    def has(self, distribution: str, *, since: str = "", before: str = "") -> bool:
        """Tell whether the image has a distribution, or `python`, in a version from `since` up to but not `before`."""
        found = self.distributions.get(distribution)
        try:
            version = Version(self.python if distribution == "python" else found.version if found else "")
        except InvalidVersion:
            return False
        return version >= Version(since or "0") and (not before or version < Version(before))


@cache  # asked for each import
def standard_library(python: str) -> frozenset[str]:
    """Return the modules of a Python's standard library, by the running Python and the tables above."""
    gone = [name for first, names in REMOVED.items() for name in names.split() if _before(first, python)]
    later = [name for first, names in ADDED.items() for name in names.split() if not _before(first, python)]
    ever = {name for names in (*REMOVED.values(), *ADDED.values()) for name in names.split()}
    return (sys.stdlib_module_names | ever) - {*gone, *later} | {"__main__"}


def added_after(python: str, name: str) -> str:
    """Return the first Python whose standard library has a dotted name, where that is after the given one; else ""."""
    later = ((first, names.split()) for first, names in ADDED.items() if not _before(first, python))
    return next((first for first, names in later if any(f"{name}.".startswith(f"{it}.") for it in names)), "")


def likely_distributions(module: str) -> tuple[str, ...]:
    """Return the distributions that probably have a module, best known first: by the table, or else by name."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        known = DISTRIBUTIONS.get(".".join(parts[:length]))
        if known:
            return known
    name = canonicalize_name(parts[0])
    return (name, f"python-{name}", f"py{name}", f"{name}-python")


def is_well_known(module: str) -> bool:
    """Tell whether the table names a module's distribution, so that it need not be guessed."""
    parts = module.split(".")
    return any(".".join(parts[:length]) in DISTRIBUTIONS for length in range(1, len(parts) + 1))


def _holds(held: str, module: str) -> bool:
    """Tell whether a module is the held one, lies below it, or is a namespace above it."""
    return module == held or module.startswith(f"{held}.") or held.startswith(f"{module}.")


def _before(first: str, python: str) -> bool:
    return _numbers(first) <= _numbers(python)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
