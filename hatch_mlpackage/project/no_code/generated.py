"""Define what is generated for a model without an entry script, with the pins of what made the model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.files.templates import render
from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS, Framework
from hatch_mlpackage.project.no_code.literals import document, text

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.model_facts.facts import ModelFacts

_FOR_SCRIPTS: Mapping[str, str] = {
    "inference-schema[numpy-support]": "the generated script describes its input with it",
    "werkzeug": "the generated script refuses wrong input with its class of responses",
}
# Module → distribution, for estimators of other packages in a pickle.
_DISTRIBUTIONS: Mapping[str, str] = {
    "catboost": "catboost",
    "category_encoders": "category-encoders",
    "imblearn": "imbalanced-learn",
    "lightgbm": "lightgbm",
    "pandas": "pandas",
    "xgboost": "xgboost",
}
_KNOWN = (
    sys.stdlib_module_names
    | _DISTRIBUTIONS.keys()
    | {*("__builtin__", "copy_reg", "joblib", "mlflow", "numpy", "scipy", "sklearn", "torch")}
)
_KEY_OF = {"what it takes": "inputs"}


@dataclass(frozen=True, kw_only=True, slots=True)
class NoCode:
    """Hold a script and all that belongs to it.

    `sample` is a request as JSON. `requirements` maps each requirement to its reason. `files` are the model's own
    requirements files, relative to the project, and `left_out` are the names to skip in them. `system_packages` are
    Debian's. `about` describes the model in one line. `notes` say what its file leaves open, and the key that
    settles it. `unread` says why the file was not read, if it was not.
    """

    script: str
    sample: str
    requirements: Mapping[str, str]
    about: str
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unread: str = ""


def generate(
    model: Model,
    facts: ModelFacts,
    values: Mapping[str, Any],
    *,
    sample: object,
    about: str,
    extra: Mapping[str, str] | None = None,
) -> NoCode:
    """Fill the template of the model's framework; `extra` maps further requirements to their reasons."""
    framework = FRAMEWORKS[model.framework or ""]
    names = {"file": text(facts.file or model.path.rpartition("/")[2]), "model": model.name}
    return NoCode(
        script=render(framework.template, {**names, **values}),
        sample=f"{document(sample)}\n",
        requirements={**_pinned(model, framework, facts), **(extra or {}), **_FOR_SCRIPTS},
        about=about,
        system_packages=framework.system_packages,
        notes=tuple(_notes(model, framework, facts)),
    )


def _pinned(model: Model, framework: Framework, facts: ModelFacts) -> dict[str, str]:
    """Return the requirements that the model needs, with their reasons."""
    versions = dict(facts.versions)
    if "mlflow" in versions:
        versions["mlflow-skinny"] = versions.pop("mlflow")
    if model.framework_version is not None:
        versions[framework.distribution] = model.framework_version
    needed: dict[str, str] = {}
    for name in dict.fromkeys((framework.distribution, *framework.brings)):
        known = f"{name}=={versions[name]}" if versions.get(name) else ""
        needed[known or name] = "it made the model" if known else "the generated script imports it"
    if "numpy._core" in facts.modules:
        needed["numpy>=2"] = "the model's pickle names modules that came with it"
    for module in sorted(facts.modules & _DISTRIBUTIONS.keys()):
        name = _DISTRIBUTIONS[module]
        if versions.get(name):
            needed[f"{name}=={versions[name]}"] = "it made the model"
        else:
            needed.setdefault(name, f"the model's pickle imports {module}")
    return needed


def packages_of(modules: frozenset[str]) -> tuple[str, ...]:
    """Return the known distributions of other packages than the framework's that a pickle imports."""
    return tuple(_DISTRIBUTIONS[module] for module in sorted(modules & _DISTRIBUTIONS.keys()))


def strangers_in(modules: frozenset[str]) -> list[str]:
    """Return the modules that a pickle imports from a distribution that is not known."""
    return sorted(module for module in modules if module.partition(".")[0] not in _KNOWN)


def _notes(model: Model, framework: Framework, facts: ModelFacts) -> list[str]:
    notes = []
    if facts.doubtful and not model.allow_pickle:
        classes = ", ".join(facts.doubtful)
        notes.append(f"{framework.title} may refuse to load {classes}. Trust them with allow-pickle = true.")
    if strange := strangers_in(facts.modules):
        notes.append(f"its file imports {', '.join(strange)}: make sure that a requirement brings it.")
    for what in facts.missing:
        key = _KEY_OF.get(what, "framework-version")
        if (key == "inputs" and model.inputs) or (key == "framework-version" and model.framework_version):
            continue
        given = "float32 tensors of any shape are" if model.framework == "pytorch" else "any list is"
        meanwhile = f"{given} accepted" if key == "inputs" else f"the newest {framework.distribution} is locked"
        notes.append(f"its file does not say {what}: {meanwhile}. State it in {key}.")
    return notes
