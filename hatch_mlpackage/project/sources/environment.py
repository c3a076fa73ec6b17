"""What can be imported in the image: the standard library of its Python, and what its locked distributions hold."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from hatch_mlpackage.project.sources.distributions import DISTRIBUTIONS, STAND_INS

# Modules of the standard library by the first Python without them, and by the first with them
# (docs.python.org/3/whatsnew).
REMOVED = {
    "3.10": "formatter parser symbol",
    "3.11": "binhex",
    "3.12": "asynchat asyncore distutils imp smtpd",
    "3.13": "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd"
    " sunau telnetlib uu xdrlib",
}
ADDED = {"3.9": "graphlib zoneinfo", "3.11": "tomllib", "3.14": "annotationlib compression"}
# What a distribution makes importable by a hook, not by a module that its wheel holds.
_HOOKED = {"distutils": "setuptools"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A locked distribution: `modules` are what it makes importable, none where that is not known."""

    name: str
    version: str
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageEnvironment:
    """What the image installs; `python` is X.Y.

    `closed` is false where something else may be importable too, such as conda's packages, whose modules are not known.
    """

    python: str
    distributions: Mapping[str, Distribution]
    closed: bool = True

    @property
    def is_known(self) -> bool:
        """Tell whether everything importable is known, so that what is not known cannot be imported."""
        return self.closed and all(distribution.modules for distribution in self.distributions.values())

    def provides(self, module: str) -> bool:
        """Tell whether something is known to make a dotted name importable."""
        return (
            module.partition(".")[0] in standard_library(self.python)
            or any(_holds(stand_in, module) for stand_in in STAND_INS)
            or any(_holds(held, module) for one in self.distributions.values() for held in one.modules)
            or _HOOKED.get(module.partition(".")[0]) in self.distributions
            or any(
                name in self.distributions and not self.distributions[name].modules
                for name in likely_distributions(module)
            )
        )

    def has(self, distribution: str, *, since: str = "", before: str = "") -> bool:
        """Tell whether a distribution, or `python`, is there in a version from `since` on and before `before`."""
        found = self.python if distribution == "python" else self._version(distribution)
        try:
            version = Version(found)
        except InvalidVersion:
            return False
        return version >= Version(since or "0") and (not before or version < Version(before))

    def _version(self, distribution: str) -> str:
        return self.distributions[distribution].version if distribution in self.distributions else ""


def standard_library(python: str) -> frozenset[str]:
    """Return the modules of a Python's standard library, as the running one and the table above know them."""
    gone = [name for first, names in REMOVED.items() for name in names.split() if _before(first, python)]
    later = [name for first, names in ADDED.items() for name in names.split() if not _before(first, python)]
    ever = {name for names in (*REMOVED.values(), *ADDED.values()) for name in names.split()}
    return (sys.stdlib_module_names | ever) - {*gone, *later} | {"__main__"}


def likely_distributions(module: str) -> tuple[str, ...]:
    """Return the distributions that a module is likely to be of, the best known first: by the table, else by name."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        known = DISTRIBUTIONS.get(".".join(parts[:length]))
        if known:
            return known
    name = canonicalize_name(parts[0])
    return (name, f"python-{name}", f"py{name}", f"{name}-python")


def is_well_known(module: str) -> bool:
    """Tell whether the table, and no likeness of names, says whose a module is."""
    parts = module.split(".")
    return any(".".join(parts[:length]) in DISTRIBUTIONS for length in range(1, len(parts) + 1))


def _holds(held: str, module: str) -> bool:
    """Tell whether a module is, lies in, or is a namespace above what a distribution holds."""
    return module == held or module.startswith(f"{held}.") or held.startswith(f"{module}.")


def _before(first: str, python: str) -> bool:
    return _numbers(first) <= _numbers(python)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
