from __future__ import annotations

import json
from pathlib import Path

from hatch_mlpackage.cli.plan import Change, changes_since, rebuilt_layers
from hatch_mlpackage.context import build_context, plan_context
from hatch_mlpackage.project import load_project

MODEL = "azureml-models/greeting/1"


def changes(root):
    plan = plan_context(load_project(root))
    found = changes_since(plan, root / "context")
    return found, rebuilt_layers(plan, found)


def test_nothing_changes(project):
    """A context that is up to date has no changes and rebuilds no layer."""
    build_context(load_project(project), project / "context")

    assert changes(project) == ((), ())


def test_an_edited_script_rebuilds_the_source_alone(project):
    """After an edit of the entry script, packages and models keep their layers."""
    build_context(load_project(project), project / "context")
    (project / "score.py").write_text("def init(): pass\ndef run(data): return data\n")

    found, rebuilt = changes(project)

    assert found == (Change(path="azureml-app/score.py", kind="changed", layer="source"),)
    assert rebuilt == ("source", "manifest")


def test_a_retrained_model_keeps_the_packages(project):
    """A model of the same size and other bytes is a change; the layers below it stay."""
    build_context(load_project(project), project / "context")
    (project / "models/greeting.txt").write_text("HELLO\n")

    found, rebuilt = changes(project)

    assert found == (Change(path=f"{MODEL}/greeting.txt", kind="changed", layer=MODEL),)
    assert rebuilt == (MODEL, "source", "manifest")


def test_added_and_removed(project):
    """Files that come and go are named as such, by path."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("models/greeting.txt", "models"))
    build_context(load_project(project), project / "context")
    (project / "models/greeting.txt").rename(project / "models/salute.txt")

    found, _ = changes(project)

    assert found == (
        Change(path="README.md", kind="changed", layer="build"),
        Change(path=f"{MODEL}/models/greeting.txt", kind="removed", layer=MODEL),
        Change(path=f"{MODEL}/models/salute.txt", kind="added", layer=MODEL),
    )


def test_before_the_first_context(project, mlpackage):
    """Without a context every layer is new, and the command that writes one is named."""
    outcome = mlpackage("plan")

    lines = outcome.out.splitlines()
    assert (outcome.status, outcome.err) == (0, "")
    assert lines[0].split() == ["layer", "size", "files", "since", "the", "last", "context"]
    assert [line.split()[0] for line in lines[1:6]] == ["environment", "runtime", MODEL, "source", "(not"]
    assert lines[-1] == "There is no context at dist/minimal-model-1.0-context yet: mlpackage generate writes it."


def test_after_an_edit(project, mlpackage):
    """The story ends with what a rebuild makes again."""
    mlpackage("generate")
    (project / "models/greeting.txt").write_text("HELLO\n")

    outcome = mlpackage("plan")

    assert outcome.out.splitlines()[-2:] == [
        f" changed  {MODEL}/greeting.txt",
        f"A rebuild makes these layers again: {MODEL}, source, manifest.",
    ]


def test_nothing_to_say(project, mlpackage):
    """A context that is up to date is said to be."""
    mlpackage("generate")

    outcome = mlpackage("plan")

    assert outcome.out.splitlines()[-1] == "Nothing changes: dist/minimal-model-1.0-context is up to date."


def test_many_changes_are_counted(project, mlpackage):
    """A person reads twenty changes; the others are counted."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("models/greeting.txt", "models"))
    mlpackage("generate")
    for number in range(30):
        (project / f"models/{number:02}.bin").touch()

    outcome = mlpackage("plan")

    lines = outcome.out.splitlines()
    assert lines[-2:] == [
        "          and 11 more changes",
        f"A rebuild makes these layers again: {MODEL}, source, manifest.",
    ]
    assert len([line for line in lines if line.startswith((" changed  ", "   added  "))]) == 20


def test_another_dockerfile(project, mlpackage):
    """When the Dockerfile changes too, which of its lines does decides; the layers named are the most it can be."""
    mlpackage("generate")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + "\n[tool.mlpackage.server]\nworkers = 2\n")

    outcome = mlpackage("plan")

    assert outcome.out.splitlines()[-2:] == [
        " changed  Dockerfile",
        f"A rebuild makes at most these layers again: environment, runtime, {MODEL}, source, manifest.",
    ]


def test_json(project, mlpackage):
    """A program reads every file with its layer, and the changes."""
    document = json.loads(mlpackage("plan", "--json").out)

    assert sorted(document) == ["changes", "files", "layers", "rebuilt"]
    assert document["changes"] is None
    script = {"path": "azureml-app/score.py", "layer": "source", "size": 209, "mode": "0644", "copied": True}
    assert script in document["files"]
    assert not Path("dist").exists()


def test_models_that_are_not_copied(copy_project, mlpackage):
    """The layer of such a model is marked, and only the model itself counts as its change."""
    project = copy_project("named-models")
    mlpackage("generate", "--project", project)
    (project / "models/ridge.bin").write_text("more weights")

    shown = [line.split() for line in mlpackage("plan", "--project", project).out.splitlines() if "models/" in line]

    assert shown[:3] == [
        ["azureml-models/ridge/3", "(not", "copied)", "12", "B", "1", "1", "changed"],
        ["azureml-models/bert/1", "(not", "copied)", "8", "B", "2", "same"],
        ["changed", "azureml-models/ridge/3/ridge.bin"],
    ]
