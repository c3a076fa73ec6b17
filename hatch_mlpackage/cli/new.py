"""`mlpackage new`: make a project from the template, around a model to train or one that the user has."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import click

from hatch_mlpackage.cli.bake import Question, bake, questions, refuse_existing, rule_against
from hatch_mlpackage.cli.new_lock import lock_if_possible
from hatch_mlpackage.cli.new_steps import serve_own_model, train_and_serve
from hatch_mlpackage.cli.output import show
from hatch_mlpackage.cli.own_model import about_own_model, framework_of_template
from hatch_mlpackage.cli.verbs import EXISTING_FOLDER, EXISTING_PATH, Returned, Verb, VerbFunction, add_options
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.pyproject import plain_name

_DEFAULT_NAME = "my-model"
_ROOM = 20  # columns, for the answer on the line of the question


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


class NewName(ProjectName):
    """A name that nothing in the folder has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = super().convert(value, param, ctx)
        try:
            refuse_existing(self._folder / text)
        except MLPackageError as error:
            self.fail(str(error), param, ctx)
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
    model = model or (_ask_for_model() if asking else None)
    if model and model.name in {"", ".."}:
        model = Path(os.path.abspath(model))  # noqa: PTH100 - the copy needs a name, that of a link if it is one
    default = plain_name(model.stem) if model else _DEFAULT_NAME
    name = name or str(_ask("Name", NewName(output_dir), default, asking=asking))
    destination = output_dir / name
    refuse_existing(destination)
    if model and asking and not (answers["framework"] or framework_of_template(model)):
        answers["framework"] = _ask_question(questions()[0], asking=True)
    own = about_own_model(model, answers["framework"], features, asking=asking) if model else {}
    given = {**answers, **own}
    chosen = {it.key: given[it.key] or _ask_question(it, asking=asking) for it in questions()}
    locked: list[Path] = []
    finish = partial(lock_if_possible, destination, locked.append) if lock else None
    for file in bake({**given, **chosen, "project_slug": name}, destination, model=model, finish=finish):
        show(f"  {destination / file}")
    next_steps = serve_own_model if model else train_and_serve
    steps = next_steps(destination, conda=chosen["dependencies"] == "conda", locked=bool(locked))
    show("\n".join(["", "Next:", *(f"  {step}" for step in steps)]))


def _ask_for_model() -> Path | None:
    """Ask for a model of the user's own: the rest depends on whether there is one."""
    if not click.confirm("Do you have a trained model?", default=False):
        return None
    return Path(click.prompt("Its file or folder", type=EXISTING_PATH))


def _ask_question(question: Question, *, asking: bool) -> str:
    return _ask(question.prompt, QuestionChoice(question), next(iter(question.choices)), asking=asking)


def _ask(prompt: str, kind: ProjectName | QuestionChoice, default: str, *, asking: bool) -> str:
    if not asking:
        return default
    choices = f" ({', '.join(map(str, kind.choices))})" if isinstance(kind, QuestionChoice) else ""
    lines = textwrap.wrap(
        f"{prompt}{choices} [{default}]",
        shutil.get_terminal_size().columns - _ROOM,
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent="  ",
    )
    return str(click.prompt("\n".join(lines), default=default, type=kind, show_default=False, show_choices=False))
