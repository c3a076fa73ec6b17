"""Read a model without an entry script, and write the script that serves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.keys import GENERATED_SCRIPT, KEY
from hatch_mlpackage.project.model_facts.budget import OverBudgetError
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.read import FILE_OR_FOLDER, FOLDERS, printable, read_facts
from hatch_mlpackage.project.no_code import pyfuncs, saved_models, tabular, tensors
from hatch_mlpackage.project.no_code.frameworks import FRAMEWORKS, MADE_BY
from hatch_mlpackage.project.no_code.unread import STATE_INPUTS, facts_of_unread

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.config.keys import Config, Model
    from hatch_mlpackage.project.no_code.generated import NoCode
    from hatch_mlpackage.project.pyproject import Project

_WHERE = f"{KEY}.models[0]"
_WRITERS = {
    "sklearn": tabular.write,
    "skops": tabular.write,
    "xgboost": tabular.write,
    "lightgbm": tabular.write,
    "onnx": tensors.write,
    "pytorch": tensors.write,
    "tensorflow": saved_models.write,
    "mlflow": pyfuncs.write,
}


def read_no_code(project: Project, config: Config, fetched: Path | None, problems: Problems) -> NoCode | None:
    """Read the model and write the script that serves it; return None without such a model, or after a problem.

    `fetched` is the file of a model that is declared by URL, or None where it is not on this machine.
    """
    model = config.no_code_model
    framework = (model.framework or "") if model else ""
    if model is None or framework not in FRAMEWORKS:
        return None
    path = fetched if model.is_remote else project.root / model.path
    if path is None or not path.exists() or not _is_kind(model, framework, path, problems):
        return None
    facts, unread = _facts(model, framework, path, problems)
    made = _generated(model, facts, problems) if facts and _may_load(model, framework, facts, problems) else None
    if made is None or not unread:
        return made
    said = f"{unread}, so that the script is written without what its file says."
    return replace(made, notes=(said, *made.notes), unread=said)


def _is_kind(model: Model, framework: str, path: Path, problems: Problems) -> bool:
    """Report a file where the framework's models are folders, or a folder where they are files."""
    wanted = framework in FOLDERS
    if framework in FILE_OR_FOLDER or path.is_dir() == wanted:
        return True
    what = f"'{model.path}' is not {'a folder' if wanted else 'a file'}, as models of {MADE_BY[framework]} are."
    problems.add(f"{_WHERE}.path", what, "Correct path or framework.")
    return False


def _facts(model: Model, framework: str, path: Path, problems: Problems) -> tuple[ModelFacts | None, str]:
    """Return what the model's file says, and why it was not read if it costs too much; report what cannot be read."""
    fix = "Correct path or framework, or write an entry script."
    try:
        return read_facts(framework, path), ""
    except OverBudgetError as error:
        if (facts := facts_of_unread(model, path)) is not None:
            return facts, str(error)
        why: UnreadableModelError = error
        fix = STATE_INPUTS.get(framework, "Write an entry script.")
    except UnreadableModelError as error:
        why = error
    what = f"'{model.path}' cannot be served as a model of {MADE_BY[framework]}: {why}."
    problems.add(f"{_WHERE}.path", what, fix)
    return None, ""


def _may_load(model: Model, framework: str, facts: ModelFacts, problems: Problems) -> bool:
    """Report a model that runs code without the user's consent."""
    if not facts.runs_code or model.allow_pickle:
        return True
    what = f"'{model.path}' is refused without your consent: {facts.runs_code}."
    consent = "Or, if you trust where it comes from, say so: allow-pickle = true, or --allow-pickle."
    problems.add(f"{_WHERE}.allow-pickle", what, f"{FRAMEWORKS[framework].safer} {consent}")
    return False


def _generated(model: Model, facts: ModelFacts, problems: Problems) -> NoCode | None:
    try:
        made = write_script(model, facts)
    except ValueError as error:
        what = f"'{model.path}' needs an entry script: {printable(str(error))}."
        problems.add(_WHERE, what, f"Write {GENERATED_SCRIPT}.")
        return None
    return replace(made, about=printable(made.about), notes=tuple(map(printable, made.notes)))


def write_script(model: Model, facts: ModelFacts) -> NoCode:
    """Write the script that serves a model; raise ValueError with the reason if none can be written."""
    return _WRITERS[model.framework or ""](model, facts)
