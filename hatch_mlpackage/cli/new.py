"""`mlpackage new`: a new project, from the template, with a model to train or around one's own."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hatch_mlpackage.cli.bake import Question, bake, questions
from hatch_mlpackage.cli.output import say, show
from hatch_mlpackage.cli.project import plain_name
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.model_facts.facts import ModelFacts, UnreadableModelError
from hatch_mlpackage.project.model_facts.read import READERS, read_facts
from hatch_mlpackage.project.pyproject import Project, load_project

Returned = TypeVar("Returned")

_DEFAULT_NAME = "my-model"
_FRAMEWORKS = {  # by the suffix of a model's file
    ".joblib": "sklearn",
    ".pickle": "sklearn",
    ".pkl": "sklearn",
    ".onnx": "onnx",
    ".pt": "pytorch",
    ".pt2": "pytorch",
    ".json": "xgboost",
    ".ubj": "xgboost",
    ".txt": "lightgbm",
}
_NO_OWN_MODEL = "python"  # a line of plain Python says nothing of how another model would be read


class ProjectName(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.5
    """A name that a package and an image can have; the template's own hook checks the same."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
            self.fail(
                f"'{text}' is no name for a package and an image: they take lower-case letters, digits and single "
                f"dashes between them. Did you mean '{plain_name(text)}'?",
                param,
                ctx,
            )
        return text


class QuestionChoice(click.Choice):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.2
    """One of a question's choices, or what people call it; a typo is answered with the choice that was meant."""

    def __init__(self, question: Question) -> None:
        super().__init__(tuple(question.choices))
        self._keys = {name.lower(): key for key, label in question.choices.items() for name in (key, label)}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value).lower()
        if word not in self._keys:
            choices = ", ".join(map(str, self.choices))
            self.fail(f"'{value}' is not one of {choices}. {did_you_mean(word, self._keys)}".rstrip(), param, ctx)
        return self._keys[word]


def with_questions(verb: Callable[..., Returned]) -> Callable[..., Returned]:
    """Give a verb an option for each of the template's questions, by its name there."""
    for question in reversed(questions()):
        names = [f"--{question.key}", *(["--license"] if question.key == "licence" else [])]
        default = f"default: {next(iter(question.choices))}"
        option = click.option(
            *names, question.key, type=QuestionChoice(question), help=f"{question.prompt}; {default}."
        )
        verb = option(verb)
    return verb


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
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="A trained model of your own, a file or a folder; it is copied into the project.",
)
@click.option(
    "--features",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --model: how many numbers a row of its input has; default: as its file says.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing: take the default of whatever is not given.")
@click.option(
    "--lock/--no-lock", default=True, help="Lock the dependencies, which asks the package index; default: yes."
)
@click.option(
    "--output-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where the project's folder is made; default: the current folder.",
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

    On a terminal it asks for what no option gives. An existing folder is left alone.
    """
    asking = not no_input and sys.stdin.isatty()
    name = name or _ask_for_name(plain_name(model.stem) if model else _DEFAULT_NAME, asking=asking)
    own = _about_own(model, answers, features, asking=asking) if model else {}
    given = {**answers, **own}
    chosen = {question.key: given[question.key] or _ask_question(question, asking=asking) for question in questions()}
    destination = output_dir / name
    for file in bake({**given, **chosen, "project_slug": name}, destination, model=model):
        show(f"  {destination / file}")
    locked = lock and _lock_if_possible(destination)
    say_next = _next_with_own if model else _next
    show(say_next(destination, conda=chosen["dependencies"] == "conda", locked=locked))


def _about_own(model: Path, answers: dict[str, str | None], features: int | None, *, asking: bool) -> dict[str, Any]:
    """Find what the template needs to know of a model, in its file or by asking."""
    framework = answers["framework"] or _FRAMEWORKS.get(model.suffix.lower())
    if framework is None or framework == _NO_OWN_MODEL:
        readers = ", ".join(key for key in questions()[0].choices if key != _NO_OWN_MODEL)
        raise click.UsageError(f"Say what reads {model}: --framework with one of {readers}.")
    facts, why_not = _facts_of(model, framework)
    count = features or _feature_count(facts)
    if count is None and asking:
        count = int(click.prompt("Numbers in a row of the model's input", type=click.IntRange(min=1)))
    if count is None:
        raise click.UsageError(f"{model} does not tell how many numbers a row has{why_not}: give --features N.")
    return {
        "framework": framework,
        "_own_model": model.name,
        "_pins": {name: f"=={version.partition('+')[0]}" for name, version in facts.versions.items()},
        "_sample": {"data": [[0.0] * count]},
    }


def _feature_count(facts: ModelFacts) -> int | None:
    """Tell how many numbers a row has, where rows of numbers are the one thing that the model takes."""
    shapes = [tensor.shape for tensor in facts.inputs]
    if facts.feature_count is None and len(shapes) == 1 and shapes[0] and len(shapes[0]) > 1 and shapes[0][-1] > 0:
        return shapes[0][-1]
    return facts.feature_count


def _facts_of(model: Path, framework: str) -> tuple[ModelFacts, str]:
    """Read what a model's file says of itself; where it says nothing, also why, as a part of a sentence."""
    if framework not in READERS:
        return ModelFacts(), ""
    try:
        return read_facts(framework, model), ""
    except UnreadableModelError as error:
        return ModelFacts(), f", as {error}"


def _ask_for_name(default: str, *, asking: bool) -> str:
    return str(click.prompt("Name", default=default, type=ProjectName())) if asking else default


def _ask_question(question: Question, *, asking: bool) -> str:
    default = next(iter(question.choices))
    return str(click.prompt(question.prompt, default=default, type=QuestionChoice(question))) if asking else default


def _lock_if_possible(project: Path) -> bool:
    """Lock the new project; where that cannot be done, it is as good without."""
    try:
        lock_project(load_project(project.absolute()), report=say)
    except MLPackageError as error:
        say(f"Not locked: {error}")
        return False
    return True


def _next(project: Path, *, conda: bool, locked: bool) -> str:
    return _next_steps(
        f"cd {shlex.quote(str(project))}",
        *(_conda_environment(Path()) if conda else ()),
        'python -m pip install --editable ".[dev]"',
        "python train.py && pytest",
        *([] if locked else ["mlpackage lock"]),
        "mlpackage serve   # in another terminal: mlpackage score --data @src/sample.json",
    )


def _next_with_own(project: Path, *, conda: bool, locked: bool) -> str:
    folder = shlex.quote(str(project))
    return _next_steps(
        *(_conda_environment(project) if conda else [_install(load_project(project))]),
        *([] if locked else [f"mlpackage lock --project {folder}"]),
        f"mlpackage serve --project {folder}",
        f"mlpackage score --data @{shlex.quote(str(project / 'src/sample.json'))}   # in another terminal",
    )


def _install(project: Project) -> str:
    """Install what the model needs by name: that needs no build, hence no index that has this plugin."""
    return f"python -m pip install {shlex.join(project.dependencies or ())}"


def _conda_environment(project: Path) -> tuple[str, str]:
    prefix, file = (shlex.quote(str(project / name)) for name in (".venv", "environment.yml"))
    return f"conda env create --prefix {prefix} --file {file}", f"conda activate {prefix}"


def _next_steps(*lines: str) -> str:
    return "\n".join(["", "Next:", *(f"  {line}" for line in lines)])
