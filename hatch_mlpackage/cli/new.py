"""`mlpackage new`: make a project from the template, around a model to train or one that the user has."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from hatch_mlpackage.cli.bake import Question, bake, questions, rule_against
from hatch_mlpackage.cli.output import say, show
from hatch_mlpackage.cli.own_model import about_own_model
from hatch_mlpackage.cli.verbs import EXISTING_FOLDER, EXISTING_PATH, Returned, Verb, VerbFunction, add_options
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.quoting import shown_command, shown_word
from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.pyproject import load_project, plain_name

_DEFAULT_NAME = "my-model"


class ProjectName(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.5
    """A name that both a package and an image can have; the template's own hook checks the same."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if rule := rule_against(text):
            near = plain_name(text)
            # The name of a URL would hold its password, in a form that no longer shows that it is one.
            hint = "" if ":" in text or rule_against(near) else f" Did you mean '{near}'?"
            self.fail(f"'{text}' cannot name a package and an image: {rule}.{hint}", param, ctx)
        return text


class QuestionChoice(click.Choice):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.2
    """One of a question's choices, by its key or its label; for a typo the error suggests the nearest choice."""

    def __init__(self, question: Question) -> None:
        super().__init__(tuple(question.choices))
        self._keys = {name.lower(): key for key, label in question.choices.items() for name in (key, label)}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value).lower()
        if word not in self._keys:
            choices = ", ".join(map(str, self.choices))
            self.fail(f"'{value}' is not one of {choices}. {did_you_mean(word, self._keys)}".rstrip(), param, ctx)
        return self._keys[word]


def with_questions(verb: VerbFunction[Returned]) -> VerbFunction[Returned]:
    """Give a verb an option for each of the template's questions, named by the question's key."""
    options = []
    for question in questions():
        names = [f"--{question.key}", *(["--license"] if question.key == "licence" else [])]
        text = f"{question.prompt}; default: {next(iter(question.choices))}."
        options.append(click.option(*names, question.key, type=QuestionChoice(question), help=text))
    return add_options(verb, options)


@click.command(
    "new",
    cls=Verb,
    examples=(
        "mlpackage new",
        "mlpackage new diabetes --framework xgboost --ci azure --no-input",
        "mlpackage new ridge --model ridge.joblib",
    ),
)
@click.argument("name", required=False, type=ProjectName(), metavar="[NAME]")
@with_questions
@click.option(
    "--model",
    type=EXISTING_PATH,
    metavar="PATH",
    help="Your own trained model, a file or a folder, which is copied into the project.",
)
@click.option(
    "--features",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --model: how many numbers a row of its input has; default: what its file says.",
)
@click.option("--no-input", is_flag=True, help="Ask no questions: take the default for whatever is not given.")
@click.option(
    "--lock/--no-lock", default=True, help="Lock the dependencies, which asks the package index; default: yes."
)
@click.option(
    "--output-dir",
    type=EXISTING_FOLDER,
    default=Path(),
    metavar="DIR",
    help="Make the project's folder in this one; default: the current folder.",
)
def command(
    *,
    name: str | None,
    model: Path | None,
    features: int | None,
    no_input: bool,
    lock: bool,
    output_dir: Path,
    **answers: str | None,
) -> None:
    """Make a project: a training script, an entry script with a schema, tests, CI, and the lock of its dependencies.

    On a terminal it asks for everything that no option gives. It never changes a folder that exists already.
    """
    asking = not no_input and sys.stdin.isatty()
    if model and model.name in {"", ".."}:
        model = Path(os.path.abspath(model))  # noqa: PTH100 - the copy needs a name, that of a link if it is one
    name = name or _ask("Name", ProjectName(), plain_name(model.stem) if model else _DEFAULT_NAME, asking=asking)
    own = about_own_model(model, answers["framework"], features, asking=asking) if model else {}
    given = {**answers, **own}
    chosen = {
        it.key: given[it.key] or _ask(it.prompt, QuestionChoice(it), next(iter(it.choices)), asking=asking)
        for it in questions()
    }
    destination = output_dir / name
    for file in bake({**given, **chosen, "project_slug": name}, destination, model=model):
        show(f"  {destination / file}")
    locked = lock and _lock_if_possible(destination)
    next_steps = _serve_own_model if model else _train_and_serve
    steps = next_steps(destination, conda=chosen["dependencies"] == "conda", locked=locked)
    show("\n".join(["", "Next:", *(f"  {step}" for step in steps)]))


def _ask(prompt: str, kind: ProjectName | QuestionChoice, default: str, *, asking: bool) -> str:
    return str(click.prompt(prompt, default=default, type=kind)) if asking else default


def _lock_if_possible(folder: Path) -> bool:
    """Lock the new project, or say why that failed: the project is complete without a lock, too."""
    try:
        lock_project(load_project(folder.absolute()), report=say)
    except MLPackageError as error:
        say(f"Not locked: {error}")
        return False
    return True


def _train_and_serve(folder: Path, *, conda: bool, locked: bool) -> list[str]:
    return [
        f"cd {shown_word(folder)}",
        *(_make_conda_environment(Path()) if conda else ()),
        'python -m pip install --editable ".[dev]"',
        "python train.py && pytest",
        *([] if locked else ["mlpackage lock"]),
        "mlpackage serve   # in another terminal: mlpackage score --data @src/sample.json",
    ]


def _serve_own_model(folder: Path, *, conda: bool, locked: bool) -> list[str]:
    project = shown_word(folder)
    # An install of the project itself would build it, and so need an index that has this plugin.
    install = f"python -m pip install {shown_command(load_project(folder).dependencies or ())}"
    return [
        *(_make_conda_environment(folder) if conda else (install,)),
        *([] if locked else [f"mlpackage lock --project {project}"]),
        f"mlpackage serve --project {project}",
        f"mlpackage score --data @{shown_word(folder / 'src/sample.json')}   # in another terminal",
    ]


def _make_conda_environment(folder: Path) -> tuple[str, str]:
    prefix, file = (shown_word(folder / name) for name in (".venv", "environment.yml"))
    return f"conda env create --prefix {prefix} --file {file}", f"conda activate {prefix}"
