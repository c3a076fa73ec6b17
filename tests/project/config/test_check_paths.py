"""Paths of models and scripts that are refused, with the key and the fix."""

from __future__ import annotations

import pytest

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.project.read_config import read_declaration

K = "tool.mlpackage"


def found(problems):
    """Return the collected problems as text, in order."""
    return [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            {"name": "-ridge", "path": "models/ridge.pkl"},
            (
                f"{K}.models[0].name: '-ridge' is not a model name. "
                "Use 1 to 255 letters, digits, dashes, dots and underscores, a letter or digit first."
            ),
        ),
        (
            {"name": "r", "version": "1/2", "path": "models/ridge.pkl"},
            f"{K}.models[0].version: '1/2' is not a version. Use a number such as \"3\".",
        ),
        (
            {"name": "r", "path": "../ridge.pkl"},
            (
                f"{K}.models[0].path: '../ridge.pkl' is outside the project. "
                "Copy it into the project, or place a symbolic link to it there and name the link."
            ),
        ),
        (
            {"name": "r", "path": "/srv/ridge.pkl"},
            (
                f"{K}.models[0].path: '/srv/ridge.pkl' is outside the project. "
                "Copy it into the project, or place a symbolic link to it there and name the link."
            ),
        ),
    ],
)
def test_model(make_project, problems, model, expected):
    """A model that cannot be packed is reported with its place in the array."""
    read_declaration(make_project({"models": [model]}), problems)

    assert found(problems) == [expected]


@pytest.mark.parametrize("path", ["model/ridge.pkl", "modls/ridge.pkl", "modle/rigde.pkl"])
def test_missing_folder_names_the_nearest(make_project, problems, path):
    """A typo in the folder of a path is suggested with the file, which may have a typo too."""
    project = make_project({"models": [{"name": "r", "path": path}]})

    read_declaration(project, problems)

    assert [problem.fix for problem in problems.found] == ["Did you mean 'models/ridge.pkl'?"]


def test_a_link_that_leads_nowhere(make_project, problems):
    """A path is not suggested in its own place."""
    project = make_project({"models": [{"name": "r", "path": "models/gone.bin"}]})
    (project.root / "models/gone.bin").symlink_to("nowhere")

    read_declaration(project, problems)

    assert [problem.fix for problem in problems.found] == [
        "Create it, or correct the path (relative to the project's folder)."
    ]


def test_entry_script_below_its_source_directory(make_project, problems):
    """An entry script that is named from the source directory, as Azure ML does, is suggested with that folder."""
    project = make_project({"entry-script": "score.py", "source-directory": "src"})
    (project.root / "core.py").touch()  # a name that is like it

    read_declaration(project, problems)

    assert [problem.fix for problem in problems.found] == [
        "Did you mean 'src/score.py'? Every path starts at the project's folder."
    ]


def test_missing_model_names_the_nearest(make_project, problems):
    """The problem of a misspelt path suggests the file whose name is most like it."""
    project = make_project({"models": [{"name": "r", "path": "models/rigde.pkl"}]})

    read_declaration(project, problems)

    assert problems.found == (
        Problem(
            where=f"{K}.models[0].path",
            what=f"'models/rigde.pkl' does not exist in {project.root}.",
            fix="Did you mean 'models/ridge.pkl'?",
        ),
    )


def test_backslashes(make_project, problems):
    """The problem of a path with backslashes shows it with slashes."""
    project = make_project({"models": [{"name": "r", "path": "models\\ridge.pkl"}]})

    read_declaration(project, problems)

    assert [problem.fix for problem in problems.found] == [
        "Write it with slashes, on every system: 'models/ridge.pkl'."
    ]


def test_model_missing_from_a_source_distribution(make_project, problems):
    """In an unpacked source distribution, the message about a missing model says that ignored files are left out."""
    project = make_project({"models": [{"name": "r", "path": "models/x.onnx"}]})
    (project.root / "PKG-INFO").write_text("Metadata-Version: 2.4\n")

    read_declaration(project, problems)

    assert [problem.fix for problem in problems.found] == [
        (
            "This is an unpacked source distribution, which holds no ignored files: build the wheel from the "
            "checkout (`python -m build --wheel`), or add the file to `artifacts` in "
            "[tool.hatch.build.targets.sdist]."
        )
    ]


@pytest.mark.parametrize("script", ["src/score-it.py", "src/class.py", "src/1 x.py"])
def test_any_name_of_a_script(make_project, problems, script):
    """The server loads the script by its path, so that its name need not be that of a module."""
    project = make_project({"entry-script": script})
    (project.root / script).write_text("")

    read_declaration(project, problems)

    assert found(problems) == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            None,
            (
                f"{K}.entry-script: is required and missing. Name the script with init() and run(): "
                'entry-script = "score.py"; or, for a single model, name its framework in its table: framework = '
                "one of sklearn, skops, onnx, tensorflow, pytorch, xgboost, lightgbm, mlflow."
            ),
        ),
        (
            "src/score.R",
            f"{K}.entry-script: 'src/score.R' is not a Python file. Only .py entry scripts can be served.",
        ),
        (
            "src/score.ipynb",
            (
                f"{K}.entry-script: 'src/score.ipynb' is not a Python file. "
                "Convert the notebook to a script: jupyter nbconvert --to script."
            ),
        ),
    ],
)
def test_entry_script(make_project, problems, script, expected):
    """An entry script that is missing or no Python file is refused."""
    project = make_project({"entry-script": script} if script else None)
    if script:
        (project.root / script).write_text("")
    else:
        del project.table["entry-script"]

    read_declaration(project, problems)

    assert found(problems) == [expected]


def test_script_outside_its_source_directory(make_project, problems):
    """The entry script must lie inside the source directory."""
    read_declaration(make_project({"source-directory": "models"}), problems)

    assert found(problems) == [
        (
            f"{K}.entry-script: 'src/score.py' is not inside source-directory 'models'. "
            "Move it there, or name a folder that holds it."
        ),
    ]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"models": [{"name": "a", "path": ""}]}, "models[0].path"),
        ({"source-directory": ""}, "source-directory"),
        ({"conda-file": ""}, "conda-file"),
        ({"conda-mode": "vendored", "conda-channel": ""}, "conda-channel"),
        ({"extra-dockerfile-steps": ""}, "extra-dockerfile-steps"),
        ({"base-dockerfile": ""}, "base-dockerfile"),
    ],
)
def test_an_empty_path(make_project, problems, table, key):
    """An empty path is not the whole project."""
    read_declaration(make_project(table), problems)

    assert f"{K}.{key}: is empty. Name a file or folder of the project." in found(problems)


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\ud800", "\x1b[2J"])
def test_a_path_that_cannot_be_printed(make_project, problems, name):
    """A path with a line break, a NUL or half a character is refused, in text that can be printed."""
    tables = {"models": [{"name": "a", "path": name}], "source-directory": name, "lock-directory": name}
    read_declaration(make_project({**tables, "entry-script": f"{name}/score.py"}), problems)

    assert [problem.where for problem in problems.found] == [
        f"{K}.{key}" for key in ("entry-script", "source-directory", "models[0].path", "lock-directory")
    ]
    assert all(text.isprintable() for text in found(problems))


def test_a_link_onto_itself(make_project, problems):
    """A link onto itself is a path without a file."""
    project = make_project({"models": [{"name": "a", "path": "loop"}]})
    (project.root / "loop").symlink_to(project.root / "loop")
    read_declaration(project, problems)

    assert [problem.what for problem in problems.found] == [f"'loop' does not exist in {project.root}."]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (
            {"requirements": ["requirements.txt"]},
            (
                "'requirements.txt' of requirements[0] would be replaced by a lock, which is written to "
                "./requirements.txt."
            ),
        ),
        (
            {"conda-file": "conda-linux-64.lock"},
            (
                "'conda-linux-64.lock' of conda-file would be replaced by a lock, which is written to "
                "./conda-linux-64.lock."
            ),
        ),
    ],
)
def test_a_lock_over_an_input(make_project, problems, table, what):
    """The folder of the locks must not make a lock of a file that the project declares."""
    project = make_project({"lock-directory": ".", **table})
    for name in ("requirements.txt", "conda-linux-64.lock"):
        (project.root / name).touch()

    read_declaration(project, problems)

    assert [problem for problem in problems.found if problem.where == f"{K}.lock-directory"] == [
        Problem(where=f"{K}.lock-directory", what=what, fix="Name another folder, or rename that file.")
    ]
