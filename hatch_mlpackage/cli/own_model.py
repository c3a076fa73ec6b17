"""Find out what the project template must know of a model that the user trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hatch_mlpackage.cli.bake import questions
from hatch_mlpackage.cli.errors import print_notes
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.kinds import framework_of
from hatch_mlpackage.project.model_facts.read import READERS, printable, read_facts
from hatch_mlpackage.project.no_code.frameworks import SAME_MODULES
from hatch_mlpackage.project.no_code.literals import document
from hatch_mlpackage.project.no_code.project_script import ProjectScript, UnknownInputError, project_script

_NO_FRAMEWORK = "python"  # the template's own model of plain Python: no other model is read like it
_EDIT = "Pin what made it yourself, and edit src/sample.json and src/score.py if it takes other input than such rows."


def about_own_model(model: Path, framework: str | None, features: int | None, *, asking: bool) -> dict[str, Any]:
    """Return the template's settings for a model, from the model's file and, if `asking`, from the user.

    Raises UsageError when the framework or the number of features stays unknown.
    """
    framework = framework or framework_of_template(model)
    if framework is None or framework == _NO_FRAMEWORK:
        readers = ", ".join(key for key in questions()[0].choices if key != _NO_FRAMEWORK)
        raise click.UsageError(f"Say which framework reads {model}: give --framework with one of {readers}.")
    facts, why_not = _read_facts(model, framework)
    script = _script(model, framework, facts, features, why_not=why_not, asking=asking)
    unread = (f"what its file says is left out{why_not}", _EDIT)
    notes = [*([unread] if why_not else []), *script.notes]
    print_notes(Problem(where=str(model), what=f"{printable(it)}.", fix=fix, level="hint") for it, fix in notes)
    settings = asdict(script)
    return {
        "framework": framework,
        "_own_model": model.name,
        "_pins": dict(_pins(facts)),
        "_sample": document(settings.pop("sample")),  # as text, because templates sort the names in a table
        "_script": settings,
    }


def framework_of_template(model: Path) -> str | None:
    """Return the framework that seems to have made a model, None where it is not clear or the template has none."""
    found = framework_of(model)
    return found if found in questions()[0].choices else None


def _read_facts(model: Path, framework: str) -> tuple[ModelFacts, str]:
    """Read what a model's file says of itself, and, for a file that cannot be read, the reason as a clause."""
    if framework not in READERS:
        return ModelFacts(), ""
    try:
        return read_facts(framework, model), ""
    except UnreadableModelError as error:
        return ModelFacts(), f", as {error}"


def _script(
    model: Path, framework: str, facts: ModelFacts, features: int | None, *, why_not: str, asking: bool
) -> ProjectScript:
    """Choose the script's input; ask for the number of features, if `asking`, where nothing else says it."""
    try:
        return project_script(framework, facts, features)
    except UnknownInputError as error:
        if features or not asking:
            advice = "" if features else f"{why_not}: give --features N"
            raise click.UsageError(f"{model} {printable(str(error))}{advice}.") from error
    count = int(click.prompt("Numbers in a row of the model's input", type=click.IntRange(min=1)))
    return _script(model, framework, facts, count, why_not=why_not, asking=False)


def _pins(facts: ModelFacts) -> Iterator[tuple[str, str]]:
    """Yield a pin for each distribution that made the model, and for those with the same modules."""
    for name, version in facts.versions.items():
        for same in (name, *SAME_MODULES.get(name, ())):
            yield same, f"=={version.partition('+')[0]}"
