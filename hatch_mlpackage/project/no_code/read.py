"""Read a model without an entry script, and write the script that serves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.keys import GENERATED_SCRIPT, KEY
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.read import FILE_OR_FOLDER, FOLDERS, printable, read_facts
from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS, MADE_BY
from hatch_mlpackage.project.no_code.scripts import write_script

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.config.keys import Config, Model
    from hatch_mlpackage.project.no_code.generated import NoCode
    from hatch_mlpackage.project.pyproject import Project

_WHERE = f"{KEY}.models[0]"
_OR_A_SCRIPT = "or write an entry script."


def read_no_code(project: Project, config: Config, fetched: Path | None, problems: Problems) -> NoCode | None:
    """Read the model and write the script that serves it; None where there is no such model, or where it was reported.

    `fetched` is the file of a model that is declared by URL, None where it is not on this machine.
    """
    model = config.no_code_model
    framework = (model.framework or "") if model else ""
    if model is None or framework not in FRAMEWORKS:
        return None
    path = fetched if model.is_remote else project.root / model.path
    if path is None or not path.exists() or not _is_kind(model, framework, path, problems):
        return None
    try:
        facts = read_facts(framework, path)
    except UnreadableModelError as error:
        problems.add(
            f"{_WHERE}.path",
            f"'{model.path}' is no model of {MADE_BY[framework]} that can be served: {error}.",
            f"Correct path or framework, {_OR_A_SCRIPT}",
        )
        return None
    if facts.runs_code and not model.allow_pickle:
        problems.add(
            f"{_WHERE}.allow-pickle",
            f"'{model.path}' is not taken as it is: {facts.runs_code}.",
            f"{FRAMEWORKS[framework].safer} Or trust where it comes from, and say so: allow-pickle = true.",
        )
        return None
    return _generated(model, facts, problems)


def _is_kind(model: Model, framework: str, path: Path, problems: Problems) -> bool:
    """Report a file where a framework has folders, and the other way round."""
    if framework in FILE_OR_FOLDER:
        return True
    wanted = framework in FOLDERS
    if path.is_dir() != wanted:
        what = f"'{model.path}' is not {'a folder' if wanted else 'a file'}, as models of {MADE_BY[framework]} are."
        problems.add(f"{_WHERE}.path", what, "Correct path or framework.")
    return path.is_dir() == wanted


def _generated(model: Model, facts: ModelFacts, problems: Problems) -> NoCode | None:
    try:
        made = write_script(model, facts)
    except ValueError as error:
        problems.add(
            _WHERE, f"'{model.path}' needs an entry script: {printable(str(error))}.", f"Write {GENERATED_SCRIPT}."
        )
        return None
    return replace(made, about=printable(made.about), notes=tuple(map(printable, made.notes)))
