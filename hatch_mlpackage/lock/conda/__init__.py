"""Locks a conda file for the image, and tells whether a lock still answers it.

Only `make_conda_lock` loads a solver and uses the network; only reading an environment file loads a YAML reader.
"""

from __future__ import annotations

from collections.abc import Callable

from hatch_mlpackage.errors import LockError

from .asked import CondaInputs
from .check import check_conda_lock, packages_of, with_conda_header
from .conda_file import CondaFile
from .explicit import Package, as_constraints, read_packages
from .python_pin import check_python
from .reading import read_conda_file
from .record import file_digest, read_record, write_record
from .vendored import proven_sha256

__all__ = [
    "CondaFile",
    "CondaInputs",
    "Package",
    "as_constraints",
    "check_conda_lock",
    "check_python",
    "file_digest",
    "make_conda_lock",
    "packages_of",
    "proven_sha256",
    "read_conda_file",
    "read_record",
    "write_record",
]


def make_conda_lock(
    asked: CondaInputs, *, previous: str | None, upgrade: bool, report: Callable[[str], None] = print
) -> str:
    """Return the whole text of a conda lock; packages of `previous` are kept where they still fit, unless `upgrade`.

    Raises LockError where there is no solution, UnavailableError where a channel cannot be read.
    """
    if asked.file.kind == "locked":
        packages = read_packages("".join(f"{line.text}\n" for line in asked.specs))
    else:
        from .solve import solve  # noqa: PLC0415 - loads the solver

        report(f"Solving {len(asked.specs)} conda requirements for {asked.subdir}.")
        packages = solve(asked, () if upgrade else _kept(previous), report)
    return with_conda_header(packages, asked)


def _kept(previous: str | None) -> tuple[Package, ...]:
    try:
        return packages_of(previous or "")
    except LockError:
        return ()  # a damaged lock is made anew
