"""Compare the frameworks that saved the models, as far as their files say it, with those that the image installs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.lock.project_models import fetched_model
from hatch_mlpackage.project.config.keys import KEY, Model
from hatch_mlpackage.project.model_facts.budget import Budget, Limits
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.kinds import framework_of
from hatch_mlpackage.project.model_facts.read import READERS, read_facts
from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS, same_modules
from hatch_mlpackage.project.no_code.generated import packages_of

if TYPE_CHECKING:
    from hatch_mlpackage.context.package import Package

MODEL_VERSION = "model-version"
# For an answer that is worth no more than a hint; a forest of a thousand trees needs less.
_LIMITS = Limits(operations=1_000_000, seconds=3.0)
_SILENT = frozenset({"lightgbm", "onnx"})  # their files do not say which version of a package made them


def model_versions(package: Package, installed: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a hint for each model that the image would load with another version than the one that saved it.

    `installed` maps the distributions of the image to their versions. A model that serves without an entry script is
    left out: its lock is made for the version that saved it.
    """
    for index, model in enumerate(() if package.no_code else package.config.models):
        facts = _facts(package, model)
        for what, fix in (*_other_versions(facts, installed), *_missing(facts, installed)):
            yield Problem(
                where=f"{KEY}.models[{index}].path",
                what=f"'{model.path}' {what}.",
                fix=f"{fix}.",
                level="hint",
                code=MODEL_VERSION,
            )


def _other_versions(facts: ModelFacts, installed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is worth knowing of each version that saved a model, and what to do."""
    for name, version in facts.versions.items():
        found = _found(name, installed)
        what = f"was saved with {name} {version}, and the lock has {found or 'none'}"
        if not found:
            yield what, f"Require {name}=={version}, if the script needs it to load the model"
        elif _is_other(version, found):
            again = f"save the model again with {found}: it may not load, or answer otherwise"
            yield what, f"Require {name}=={version}, or {again}"


def _missing(facts: ModelFacts, installed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each package that a pickle imports and the image lacks; those that `versions` name are not repeated."""
    for name in packages_of(facts.modules):
        if name not in facts.versions and not _found(name, installed):
            what = f"imports {name} when it is loaded, and the lock has none"
            yield what, f"Add {name} to the requirements, in the version that made the model"


def _facts(package: Package, model: Model) -> ModelFacts:
    """Return what a model's file says, or nothing for one that no reader knows or that takes too long to read."""
    path = package.project.root / model.path
    framework = model.framework or framework_of(path)
    place = fetched_model(model, package.locks) if model.is_remote else path
    if place is None or framework is None or framework not in READERS:
        return ModelFacts()
    try:
        facts = ModelFacts() if framework in _SILENT else read_facts(framework, place, Budget(_LIMITS))
    except UnreadableModelError:
        facts = ModelFacts()
    stated = {FRAMEWORKS[framework].distribution: model.framework_version} if model.framework_version else {}
    return replace(facts, versions={**facts.versions, **stated})


def _found(name: str, installed: Mapping[str, str]) -> str:
    """Return the version that the image has of a distribution, or of another one with the same modules."""
    return next((installed[one] for one in same_modules(name) if one in installed), "")


def _is_other(version: str, locked: str) -> bool:
    """Tell whether two versions differ by more than a correction of mistakes."""
    try:
        return Version(version).release[:2] != Version(locked).release[:2]
    except InvalidVersion:
        return version != locked
