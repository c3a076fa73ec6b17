"""Answers are data: whatever they hold, a new project says exactly that, or nothing is made and nothing runs."""

from __future__ import annotations

import ast
import json
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.main import cookiecutter
from hypothesis import HealthCheck, given, settings, strategies as st

from hatch_mlpackage.cli.bake import bake, questions
from hatch_mlpackage.errors import MLPackageError

PATIENCE = 60
TEMPLATE = Path(__file__).parents[2] / "templates/project"
TRACE = "mark-of-a-program"  # a file that the programs in the answers make
PROGRAM = f"open({TRACE!r}, 'w').close()"
LONG = "a" * 300
# Names that break out of quotes, of a folder, or of the rule for names.
HOSTILE = {
    "quotes": f'"""\n{PROGRAM}\n"""',
    "quote": f'"; {PROGRAM}; "',
    "apostrophe": f"'; {PROGRAM}; '",
    "newline": f"a\n{PROGRAM}",
    "trailing newline": "a\n",
    "backslash": "a\\",
    "backslash and quote": f'\\"; {PROGRAM} #',
    "shell": f"$(touch {TRACE})",
    "variable": "${HOME}",
    "backticks": f"`touch {TRACE}`",
    "semicolon": f"a; touch {TRACE}",
    "comment": "a # b",
    "above": "..",
    "here": ".",
    "outside": "../outside",
    "deep": "deep/er/still",
    "absolute": "/tmp/absolute/outside",
    "backslashes": "..\\outside",
    "drive": "C:outside",
    "dash": "-rf",
    "capitals": "My-Model",
    "underscore": "my_model",
    "space": "my model",
    "letters": "modèle",
    "pictures": "\U0001f600",
    "right to left": "a\u202eb",
    "long": LONG,
    "empty": "",
    "blank": " ",
    "two dashes": "a--b",
}
# What cookiecutter itself would evaluate where an answer is no more than an answer.
JINJA = {
    "expression": "{{ 7 * 7 }}",
    "program": "{{ cycler.__init__.__globals__.os.system('touch " + TRACE + "') }}",
    "statement": "{% for i in range(3) %}a{% endfor %}",
    "comment": "a{# b #}",
    "half": "{{",
}
# Names that look like code and are names.
HARMLESS = ("class", "json", "import", "none", "true", "null", "0", "007", "1e5", "con", "a" * 99)


def everything_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Stand in an empty folder that is inside another one, with another home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COOKIECUTTER_CONFIG", raising=False)
    folder = tmp_path / "outer/inner"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", [*HOSTILE.values(), *JINJA.values()], ids=[*HOSTILE, *JINJA])
def test_a_name_is_refused_before_cookiecutter_runs(place, name):
    """A name that breaks the rule makes no folder and runs nothing, not even as a template."""
    with pytest.raises(MLPackageError, match="cannot be the project's name: a name has "):
        bake({"project_slug": name}, place / "project")

    assert everything_in(place.parent) == ["inner"]


@pytest.mark.parametrize("name", [*HOSTILE.values(), *JINJA.values()], ids=[*HOSTILE, *JINJA])
def test_new_refuses_a_name(place, mlpackage, name):
    """`mlpackage new` refuses such a name as a wrong use of it, on one line that a terminal can show."""
    outcome = mlpackage("new", "--no-input", "--no-lock", "--", name)

    assert (outcome.status, everything_in(place.parent)) == (2, ["inner"])
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("key", ["framework", "dependencies", "ci", "licence"])
def test_a_choice_is_refused(place, key):
    """An answer that is no choice of its question makes no folder."""
    with pytest.raises(MLPackageError, match=f"is no answer for {key}. Use one of "):
        bake({key: "../../secret"}, place / "project")

    assert everything_in(place.parent) == ["inner"]


@pytest.mark.parametrize("name", ["a\nb.pkl", "a\x1b[2J.pkl", "a/b.pkl", "a\\b.pkl", "..", ".", "a\u202eb.pkl"])
def test_a_model_is_refused(place, name):
    """The name of a model that a path or a line cannot hold makes no folder."""
    with pytest.raises(MLPackageError, match="cannot be the name of a model in the project"):
        bake({"_own_model": name}, place / "project")

    assert everything_in(place.parent) == ["inner"]


def plainly(place: Path, *options: str, answers: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run cookiecutter itself on the template, without a person at a keyboard."""
    outcome = subprocess.run(
        [sys.executable, "-m", "cookiecutter", *options, str(TEMPLATE), *answers],
        cwd=place,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "TMPDIR": str(place.parents[1])},
    )
    return outcome.returncode, outcome.stdout + outcome.stderr


def replayed(place: Path, **answers: object) -> Path:
    """Write a replay file that holds these answers beside the template's own."""
    context = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    first = {key: value[0] if isinstance(value, list) else value for key, value in context.items()}
    known = {"__licence_expression": "MIT", "__model_path": "models/m", "__make_environment": "true", **answers}
    path = place.parents[1] / "replay.json"
    path.write_text(json.dumps({"cookiecutter": {**first, **known}}))
    return path


def by_replay(place: Path, answers: Mapping[str, Any]) -> None:
    cookiecutter(str(TEMPLATE), replay=str(replayed(place, **answers)))


def by_config(place: Path, answers: Mapping[str, Any]) -> None:
    path = place.parents[1] / "config.yaml"
    path.write_text(yaml.safe_dump({"default_context": dict(answers)}))
    cookiecutter(str(TEMPLATE), no_input=True, config_file=str(path))


def by_argument(place: Path, answers: Mapping[str, Any]) -> None:
    cookiecutter(str(TEMPLATE), no_input=True, extra_context=dict(answers))


@pytest.mark.parametrize("answer", [by_replay, by_config, by_argument])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_plain_cookiecutter_refuses_a_name(place, answer, name):
    """The template itself refuses the name, leaves nothing behind, inside or outside the folder, and runs nothing."""
    if name == "/tmp/absolute/outside":
        name = str(place.parent / "absolute/outside")

    with pytest.raises(Exception, match=r"(Hook script failed|Unable to create|already exists)"):
        answer(place, {"project_slug": name})

    assert everything_in(place.parent) == ["inner"]


@pytest.mark.parametrize("name", JINJA.values(), ids=JINJA)
def test_a_replay_is_no_template(place, name):
    """cookiecutter evaluates no answer of a replay file, and the template refuses it as a name."""
    with pytest.raises(Exception, match=r"(Hook script failed|Unable to create)"):
        by_replay(place, {"project_slug": name})

    assert everything_in(place.parent) == ["inner"]


@pytest.mark.parametrize(
    "answers",
    [
        {"framework": "../../secret"},
        {"framework": f'"; {PROGRAM} #'},
        {"licence": "../../../etc/passwd"},
        {"ci": f"\n{PROGRAM}"},
        {"dependencies": ["pip"]},
        {"project_slug": ["a"]},
        {"project_slug": None},
        {"project_slug": {"a": "b"}},
        {"_own_model": "a\nb"},
        {"_own_model": 7},
        {"_python_version": f'3.12"\n{PROGRAM}'},
        {"_platform": "linux/amd64\nb"},
        {"_pins": {"numpy": '"]'}},
        {"_pins": ["numpy"]},
    ],
)
def test_a_replay_with_other_answers(place, answers):
    """The template refuses every other answer that its files cannot hold."""
    with pytest.raises(Exception, match=r"(Hook script failed|Unable to create)"):
        by_replay(place, answers)

    assert everything_in(place.parent) == ["inner"]


def test_an_existing_folder_stays(place):
    """A refused name leaves a folder that exists as it was, even where cookiecutter may write into it."""
    (place / "my_model").mkdir()
    (place / "my_model/kept").touch()

    status, said = plainly(place, "--no-input", "--overwrite-if-exists", answers=("project_slug=my_model",))

    assert (status, everything_in(place)) == (1, ["my_model", "my_model/kept"])
    assert "'my_model' cannot be the project's name. Use lower-case letters" in said


def test_the_reason(place):
    """The template names each wrong answer, on a line that a terminal can show."""
    path = replayed(place, project_slug="A", framework="torch", _own_model="a\nb", _platform="")

    _, said = plainly(place, "--replay-file", str(path))

    assert [line for line in said.splitlines() if " Use " in line or " Leave " in line] == [
        "'A' cannot be the project's name. Use lower-case letters, digits and single dashes between them.",
        "'torch' is no answer for framework. Use one of sklearn, onnx, pytorch, xgboost, lightgbm, python.",
        "'a\\nb' cannot be the name of a model's file. Use one of printable characters without slashes.",
        "The Python version, the platform or a pin is not one. Leave _python_version, _platform and _pins out.",
    ]


def test_the_choices_of_the_hook():
    """The template's hook knows the choices of the template's questions."""
    hook = (TEMPLATE / "hooks/pre_gen_project.py").read_text(encoding="utf-8")
    source = hook[hook.index("CHOICES = ") + len("CHOICES = ") : hook.index("NAME_RULE")]

    assert ast.literal_eval(source) == {question.key: list(question.choices) for question in questions()}


def parsed(project: Path) -> Iterator[object]:
    """Parse every file of a project that a program reads; yield what the tables and documents say."""
    for path in sorted(project.rglob("*")):
        text = path.read_text(encoding="utf-8") if path.is_file() and path.parent.name != "models" else ""
        if path.suffix == ".py":
            ast.parse(text)
        elif path.suffix in {".yml", ".yaml"}:
            yield yaml.safe_load(text)
        elif path.suffix == ".toml":
            yield tomllib.loads(text)
        elif path.suffix == ".json":
            yield json.loads(text)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_is_read_back(place, name):
    """A project says its name exactly, as text, wherever a name stands, even if it looks like something else."""
    bake({"project_slug": name, "dependencies": "conda"}, place / "project")

    table = tomllib.loads((place / "project/pyproject.toml").read_text())
    assert (table["project"]["name"], table["tool"]["mlpackage"]["models"][0]["name"]) == (name, name)
    assert (place / "project/README.md").read_text().splitlines()[0] == f"# {name}"
    assert len(list(parsed(place / "project"))) == 5


NAMES_OF_FILES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="/"), max_size=40
)


@settings(deadline=None, max_examples=12, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES_OF_FILES | st.sampled_from([*HOSTILE.values(), *JINJA.values()]), pins=st.sampled_from(["", "==1.2"]))
def test_a_model_is_read_back(place, name, pins):
    """A project says the name of a model's file exactly, and all its files parse; or the name is refused."""
    project = place / "project"
    model = place.parents[1] / "model"
    model.write_bytes(b"1")
    try:
        bake({"project_slug": "project", "_own_model": name, "_pins": {"numpy": pins}}, project)
    except MLPackageError:
        assert not project.exists()
        return

    documents = list(parsed(project))
    table = next(it for it in documents if isinstance(it, dict) and "tool" in it)
    assert table["tool"]["mlpackage"]["models"][0]["path"] == f"models/{name or 'model.joblib'}"
    assert f"numpy{pins}" in table["project"]["dependencies"]
    assert everything_in(place) == ["project", *(f"project/{path}" for path in everything_in(project))]
    shutil.rmtree(project)


@pytest.mark.parametrize("name", ["it's.joblib", '"$(id)`".joblib', "\U0001f600 é.joblib", "{{ 7 * 7 }}.joblib"])
def test_a_model_with_a_strange_name(place, mlpackage, name):
    """`mlpackage new` keeps the name of a model's file, and prints commands that a shell reads as they are meant."""
    model = pickle.dumps([1])
    (place / name).write_bytes(model)

    outcome = mlpackage("new", "project", "--model", place / name, "--features", "2", "--no-input", "--no-lock")

    assert outcome.status == 0, outcome.err
    assert (place / "project/models" / name).read_bytes() == model
    table = tomllib.loads((place / "project/pyproject.toml").read_text(encoding="utf-8"))
    assert table["tool"]["mlpackage"]["models"][0]["path"] == f"models/{name}"
    assert [shlex.split(line)[0] for line in outcome.out.splitlines()[-4:]] == ["python", *["mlpackage"] * 3]


def test_a_folder_without_a_name(place, mlpackage, monkeypatch):
    """A model that is given as `.` gets the name of its folder."""
    model = place.parents[1] / "saved"
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    monkeypatch.chdir(model)

    given = ("--framework", "pytorch", "--features", "2", "--no-input", "--no-lock", "--output-dir", place)
    outcome = mlpackage("new", "net", "--model", ".", *given)

    assert outcome.status == 0, outcome.err
    assert (place / "net/models/saved/weights").read_bytes() == b"1"


def test_the_files_of_the_template():
    """Every file of the template has a name that Windows allows, and a path that leaves room for its place there."""
    paths = [path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*") if "__pycache__" not in path.parts]

    assert [path for path in paths if set(path) & set('<>:"\\|?*')] == []
    assert max(map(len, paths)) <= 135
