from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from hatch_mlpackage.cli.project import open_project, table_from_flags
from hatch_mlpackage.project.pyproject import Project


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder that holds a script, a model and requirements, and no pyproject.toml."""
    monkeypatch.chdir(tmp_path)
    Path("score.py").write_text("def init():\n    pass\n\n\ndef run(data):\n    return data\n")
    Path("model.pkl").write_bytes(b"weights")
    Path("requirements.txt").write_text("")
    return tmp_path


def test_flags_are_the_table(folder):
    """Each flag becomes its key, and paths become relative to the project."""
    flags = {
        "entry_script": "src/score.py",
        "source_directory": str(folder / "src"),
        "conda_file": "environment.yml",
        "models": ({"name": "ridge", "path": "model.pkl"}, {"name": "cart", "version": "3", "path": "a/cart.pkl"}),
        "requirements": ("requirements.txt",),
        "python_version": "3.11",
        "base_image": "python:3.11",
        "platform": "linux/arm64",
    }

    assert table_from_flags(folder / "src", flags) == {
        "python-version": "3.11",
        "base-image": "python:3.11",
        "platform": "linux/arm64",
        "entry-script": "score.py",
        "source-directory": ".",
        "conda-file": "../environment.yml",
        "models": [
            {"name": "ridge", "path": "../model.pkl"},
            {"name": "cart", "version": "3", "path": "../a/cart.pkl"},
        ],
        "requirements": ["../requirements.txt"],
    }


def test_what_made_a_model(folder):
    """`--framework` becomes a key of the model that `--model` names, and is wrong usage without it."""
    flags = {"models": ({"name": "ridge", "path": "model.pkl"},), "framework": "sklearn", "allow_pickle": True}

    assert table_from_flags(folder, flags) == {
        "models": [{"name": "ridge", "path": "model.pkl", "framework": "sklearn", "allow-pickle": True}]
    }
    with pytest.raises(click.UsageError, match="--framework describes a model: give it together with --model"):
        table_from_flags(folder, {"framework": "sklearn"})


def test_a_model_by_url():
    """The URL of a model stays as it is, wherever the project is."""
    flags = {"models": ({"name": "ridge", "path": "https://models.example/ridge.onnx"},)}

    assert table_from_flags(Path("elsewhere"), flags) == {
        "models": [{"name": "ridge", "path": "https://models.example/ridge.onnx"}]
    }


def test_no_flags_change_nothing(project):
    """Without flags the project is what pyproject.toml declares."""
    assert open_project(Path(), table_from_flags(Path(), {})).table == {
        "entry-script": "score.py",
        "models": [{"name": "greeting", "path": "models/greeting.txt"}],
    }


def test_flags_replace_keys(project):
    """A flag replaces its key and leaves the others."""
    opened = open_project(Path(), {"python-version": "3.11"})

    assert opened.name == "minimal-model"
    assert opened.table == {
        "entry-script": "score.py",
        "models": [{"name": "greeting", "path": "models/greeting.txt"}],
        "python-version": "3.11",
    }


@pytest.mark.parametrize(
    ("flags", "name", "version"),
    [
        ({"entry-script": "Score_it.py"}, "score-it", "0"),
        ({"entry-script": "score.py", "models": [{"name": "Ridge.A", "path": "m", "version": "7"}]}, "ridge-a", "7"),
        ({"entry-script": "score.py", "models": [{"name": "ridge", "path": "m"}]}, "ridge", "1"),
    ],
)
def test_without_pyproject_the_flags_are_the_project(folder, flags, name, version):
    """Without pyproject.toml the model or the script names the project, never its folder."""
    assert open_project(Path(), flags) == Project(root=folder, name=name, version=version, table=flags)


def test_the_whole_job_without_pyproject(folder, mlpackage):
    """`lock`, `generate` and `verify` work on a bare script and model."""
    flags = ("--entry-script", "score.py", "--model", "ridge=model.pkl", "--requirement", "requirements.txt")
    flags += ("--base-image", f"python:3.12-slim-bookworm@sha256:{'5' * 64}")

    outcomes = [
        mlpackage("lock", *flags),
        mlpackage("generate", *flags, "--output", "context"),
        mlpackage("verify", "context"),
    ]

    assert [outcome.status for outcome in outcomes] == [0, 0, 0]
    assert Path("context/azureml-models/ridge/1/model.pkl").read_bytes() == b"weights"
    assert Path("context/azureml-app/score.py").is_file()


def test_errors_name_the_flags(folder, mlpackage):
    """An error about a flag's value names the flag instead of the key."""
    outcome = mlpackage("check", "--entry_script", "sore.py", "--model", "a b:2=model.pkl", "--platform", "linux/amd46")

    assert outcome.status == 1
    assert outcome.err == (
        "Error[configuration]: 3 problems in the configuration or the files it names:\n"
        f"  --entry-script: 'sore.py' does not exist in {folder}. Did you mean 'score.py'?\n"
        "  --model a b:2=model.pkl: 'a b' is not a model name. "
        "Use 1 to 255 letters, digits, dashes, dots and underscores, a letter or digit first.\n"
        "  --platform: 'linux/amd46' is not one of linux/amd64, linux/arm64. Did you mean 'linux/amd64'?\n"
    )


@pytest.mark.parametrize("value", ["ridge", "=model.pkl", "ridge=", "ridge:=model.pkl", ":1=model.pkl"])
def test_unreadable_model(folder, mlpackage, value):
    """A `--model` that is not NAME=PATH is wrong usage, and the error shows an example."""
    outcome = mlpackage("check", "--entry-script", "score.py", "--model", value)

    assert outcome.status == 2
    assert f"'{value}' is not NAME=PATH or NAME:VERSION=PATH, such as ridge:3=models/ridge.pkl." in outcome.err


@pytest.mark.parametrize(
    ("text", "lacks"), [(None, "there is no such file"), ('[project]\nname = "x"\n', "has nothing in [tool.mlpackage]")]
)
def test_nothing_to_work_on(folder, mlpackage, text, lacks):
    """Without a declaration `lock` stops with the ways to give one, and leaves an existing lock unchanged."""
    lock = folder / "locks/requirements.txt"
    lock.parent.mkdir()
    lock.write_text("numpy==2.0.0\n")
    if text is not None:
        Path("pyproject.toml").write_text(text)

    outcome = mlpackage("lock")

    assert outcome.status == 1
    assert outcome.err == (
        "Error[failed]: mlpackage lock failed:\n"
        f"  {folder / 'pyproject.toml'}: {lacks}. Declare there what to package, or give --entry-script and --model; "
        "`mlpackage new` makes a project, and `mlpackage import-azureml` writes the table from a configuration of "
        "Azure ML.\n"
    )
    assert lock.read_text() == "numpy==2.0.0\n"


def test_below_a_project(project, mlpackage, monkeypatch):
    """In a folder below a project the error names the project's pyproject.toml, and nothing is written."""
    below = project / "below"
    below.mkdir()
    monkeypatch.chdir(below)

    outcome = mlpackage("lock")

    assert outcome.status == 1
    assert outcome.err.splitlines()[1] == (
        f"  {below / 'pyproject.toml'}: there is no such file, but {project / 'pyproject.toml'} has [tool.mlpackage]. "
        f"Go there, or give --project {project}"
    )
    assert list(below.iterdir()) == []


def test_above_a_project(copy_project, mlpackage, tmp_path, monkeypatch):
    """In a folder with a project below it the error names that folder, and the flag with which the verb works."""
    copy_project("minimal", "my project")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/pyproject.toml").write_text("[broken")
    monkeypatch.chdir(tmp_path)

    refused = mlpackage("check")

    assert refused.err.splitlines()[1] == (
        f"  {tmp_path / 'pyproject.toml'}: there is no such file, but my project has a pyproject.toml with "
        "[tool.mlpackage]. Give --project 'my project'"
    )
    assert (refused.status, mlpackage("check", *shlex.split("--project 'my project'")).status) == (1, 0)


def test_above_many_projects(copy_project, mlpackage, tmp_path):
    """Only the first of several projects below a folder are named, by the way to them from here."""
    for name in "dacb":
        copy_project("minimal", name)

    refused = mlpackage("check", "--project", tmp_path)

    assert refused.err.splitlines()[1] == (
        f"  {tmp_path / 'pyproject.toml'}: there is no such file, but a, b, c and 1 more have a pyproject.toml with "
        f"[tool.mlpackage]. Give --project {tmp_path}/a or --project {tmp_path}/b or --project {tmp_path}/c"
    )


def test_another_folder(project, mlpackage, tmp_path, monkeypatch):
    """`--project` works from any folder, and the context goes into the project."""
    monkeypatch.chdir(tmp_path)

    outcome = mlpackage("generate", "--project", project, "--json")

    assert outcome.status == 0
    assert (project / "dist/minimal-model-1.0-context/manifest.json").is_file()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_saved_by_another_editor(project, mlpackage, encoding):
    """A pyproject.toml that is not UTF-8 is an error that says how to save it."""
    path = project / "pyproject.toml"
    path.write_text(path.read_text(), encoding=encoding)

    outcome = mlpackage("check")

    assert outcome.status == 1
    assert outcome.err == (
        "Error[failed]: mlpackage check failed:\n"
        f"  {path}: TOML is UTF-8 without a byte order mark, and this file is not. Save it so.\n"
    )
