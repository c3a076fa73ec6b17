"""Find what to change in requirements that cannot be locked: packages to leave out, other names, other versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from hatch_mlpackage.lock.resolve.task import Task
from hatch_mlpackage.project.sources.distributions import DISTRIBUTIONS
from hatch_mlpackage.project.target import Target

_AUTOML = "its packages have wheels for Python 3.9 and 3.10 only: set python-version to one of these."
_PYTHONS_OF_AUTOML = ("3.9", "3.10")
# Distributions of Azure ML that cannot be locked as they are → what to do.
_KNOWN = {
    "azureml-automl-runtime": _AUTOML,
    "azureml-opendatasets": "its pyspark has no wheel. It is for training: leave it out of what a script scores with.",
    "azureml-train-automl": _AUTOML,
    "azureml-train-automl-runtime": _AUTOML,
}


def known_fix(task: Task, said: str) -> str:
    """Say what to do about each requirement that is known to fail, and that the failure is about; "" for none."""
    names = (canonicalize_name(Requirement(text).name) for text in task.requirements.requirements)
    about = [name for name in dict.fromkeys(names) if is_mentioned(name, said)]
    return "\n".join(filter(None, (_known(name, task.target) for name in about)))


def _known(name: str, target: Target) -> str:
    if _KNOWN.get(name) == _AUTOML and target.python in _PYTHONS_OF_AUTOML:
        return ""
    if name in _KNOWN:
        return f"{name}: {_KNOWN[name]}"
    provides = {str(canonicalize_name(module)): names for module, names in DISTRIBUTIONS.items() if "." not in module}
    names = provides.get(name, ())
    return f"{name} is a module of {names[0]}: require {names[0]}." if names and name not in names else ""


def is_mentioned(name: str, said: str) -> bool:
    """Tell whether a resolver's text is about a distribution, and not about one whose name is longer."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", said, re.IGNORECASE) is not None


def may_change(requirement: Requirement, said: str) -> bool:
    """Tell whether another version may be what a failure asks for: of a pin, or of whatever it is about."""
    return not requirement.url and (
        is_pin(requirement) or (bool(requirement.specifier) and is_mentioned(requirement.name, said))
    )


def is_pin(requirement: Requirement) -> bool:
    """Tell whether a requirement was written for one release, or for the patches of one."""
    return any(it.operator in {"==", "===", "~="} for it in requirement.specifier)


def without_limit(requirement: Requirement) -> Requirement:
    """Return a requirement that takes its lowest version or any later one."""
    wider = Requirement(str(requirement))
    lowest = [it.version.removesuffix(".*") for it in requirement.specifier if it.operator in {"==", "~=", ">=", ">"}]
    wider.specifier = SpecifierSet(f">={lowest[0]}") if lowest else SpecifierSet()
    return wider


def in_place_of(asked: Iterable[Requirement], found: Mapping[str, str]) -> str:
    """Name the versions that can be locked in place of those that are asked for; "" where none differs."""
    other = [
        f"{it.name}{_extras(it)}=={found[it.name]} in place of {it}"
        for it in asked
        if it.name in found and not it.specifier.contains(found[it.name], prereleases=True)
    ]
    return f"This can be locked: {', '.join(other)}." if other else ""


def _extras(requirement: Requirement) -> str:
    return f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
