"""Make a conda lock: solve the conda file for the image, or take the packages of another tool's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.conda.check import conda_packages_of, with_conda_header
from hatch_mlpackage.lock.conda.explicit import CondaPackage, read_conda_packages

if TYPE_CHECKING:
    from hatch_mlpackage.lock.conda.inputs import CondaInputs


def make_conda_lock(
    asked: CondaInputs, *, previous: str | None, upgrade: bool, report: Callable[[str], None] = print
) -> str:
    """Return the text of a conda lock; packages of `previous` are kept where they still fit, unless `upgrade` is set.

    Raises LockError where there is no solution, UnavailableError where a channel cannot be read.
    """
    if asked.file.kind == "locked":
        packages = read_conda_packages("".join(f"{line.text}\n" for line in asked.specs))
    else:
        from hatch_mlpackage.lock.conda.solve import solve  # noqa: PLC0415 - loads the solver

        report(f"Solving {len(asked.specs)} conda requirements for {asked.subdir}.")
        packages = solve(asked, () if upgrade else _kept(previous), report)
    return with_conda_header(packages, asked)


def _kept(previous: str | None) -> tuple[CondaPackage, ...]:
    try:
        return conda_packages_of(previous or "")
    except LockError:
        return ()  # a new lock replaces a damaged one
