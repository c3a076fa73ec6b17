"""Check a conda file's Python against the image's, which pip's lock and the server's are made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.lock.conda.explicit import parse_package
from hatch_mlpackage.lock.conda.spec import allows, package_name
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.lock.asked.pip_file import Line
    from hatch_mlpackage.lock.conda.conda_file import CondaFile

_PATCHES = range(40)


def pins_python(file: CondaFile) -> bool:
    """Tell whether the file asks for some version of Python."""
    return any(package_name(spec.text) == "python" and len(spec.text.split()) > 1 for spec in file.specs)


def check_conda_python(file: CondaFile, python: str, problems: Problems) -> None:
    """Report each line that excludes the image's Python (`3.12`)."""
    if file.kind == "locked":
        _check_locked_python(file, python, problems)
        return
    for spec in file.specs:
        if package_name(spec.text) == "python" and not allows(spec.text, (f"{python}.{patch}" for patch in _PATCHES)):
            problems.add(file.where(spec), f"`{spec.text}` excludes the image's Python {python}.", _python_fix(spec))


def _check_locked_python(file: CondaFile, python: str, problems: Problems) -> None:
    packages = filter(None, (parse_package(line.text, line.number) for line in file.specs))
    found = next((package for package in packages if package.name == "python"), None)
    if found is None:
        problems.add(file.path, "it has no python, and the model needs one.", f"Lock it anew with python={python}.")
    elif not found.version.startswith(f"{python}."):
        fix = f'Set python-version = "{".".join(found.version.split(".")[:2])}" in [tool.mlpackage], or lock it anew.'
        where = f"{file.path}:{found.line}"
        problems.add(where, f"it has Python {found.version}, the image is to have {python}.", fix)


def _python_fix(spec: Line) -> str:
    for version in reversed(SUPPORTED_PYTHONS):
        if allows(spec.text, (f"{version}.{patch}" for patch in _PATCHES)):
            return f'Set python-version = "{version}" in [tool.mlpackage], or change it here.'
    return f"Entry scripts are run on Python {SUPPORTED_PYTHONS[0]} to {SUPPORTED_PYTHONS[-1]}: ask for one of them."
