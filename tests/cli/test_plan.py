from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hatch_mlpackage.cli.output import size
from hatch_mlpackage.cli.program import run
from hatch_mlpackage.context.build import build_context, finished, plan_context
from hatch_mlpackage.context.changes import Change, changes_since, rebuilt_layers
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.project.pyproject import load_project

MODEL = "azureml-models/greeting/1"
IDNA = "ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c"


def changes(root):
    plan = plan_context(load_project(root))
    found = changes_since(plan, root / "context")
    return found, rebuilt_layers(plan, found)


def test_nothing_changes(project):
    """An up-to-date context has no changes and rebuilds no layer."""
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
    """A model with new bytes of the same size counts as changed; the layers below it stay."""
    build_context(load_project(project), project / "context")
    (project / "models/greeting.txt").write_text("HELLO\n")

    found, rebuilt = changes(project)

    assert found == (Change(path=f"{MODEL}/greeting.txt", kind="changed", layer=MODEL),)
    assert rebuilt == (MODEL, "source", "manifest")


def test_added_and_removed(project):
    """The changes list added and removed files by path."""
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
    """Without a context every layer is new, and `plan` names the command that writes one."""
    outcome = mlpackage("plan")

    lines = outcome.out.splitlines()
    assert (outcome.status, outcome.err) == (0, "")
    assert lines[0].split() == ["layer", "size", "files", "since", "the", "last", "context"]
    assert [line.split()[0] for line in lines[1:7]] == ["environment", "runtime", MODEL, "source", "manifest", "(not"]
    assert lines[-1] == "There is no context at dist/minimal-model-1.0-context yet: mlpackage generate writes it."


def test_after_an_edit(project, mlpackage):
    """`plan` ends with the layers that a rebuild makes again."""
    mlpackage("generate")
    (project / "models/greeting.txt").write_text("HELLO\n")

    outcome = mlpackage("plan")

    assert outcome.out.splitlines()[-2:] == [
        f" changed  {MODEL}/greeting.txt",
        f"A rebuild makes these layers again: {MODEL}, source, manifest.",
    ]


def test_nothing_to_say(project, mlpackage):
    """`plan` says that a context is up to date."""
    mlpackage("generate")

    outcome = mlpackage("plan")

    assert outcome.out.splitlines()[-1] == "Nothing changes: dist/minimal-model-1.0-context is up to date."


def test_many_changes_are_counted(project, mlpackage):
    """`plan` lists twenty changes and counts the others."""
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
    """When the Dockerfile changes, `plan` names the layers that a rebuild makes again at most."""
    mlpackage("generate")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + "\n[tool.mlpackage.server]\nworkers = 2\n")

    outcome = mlpackage("plan")

    assert outcome.out.splitlines()[-2:] == [
        " changed  Dockerfile",
        f"A rebuild makes at most these layers again: environment, runtime, {MODEL}, source, manifest.",
    ]


def test_json(project, mlpackage):
    """`--json` gives every file with its layer, and the changes."""
    document = json.loads(mlpackage("plan", "--json").out)

    assert sorted(document) == ["built", "changes", "files", "layers", "packages", "rebuilds", "rebuilt", "savings"]
    assert document["changes"] is None
    assert document["packages"] == [{"name": "idna", "version": "3.20", "size": None}]
    assert document["savings"] == []
    assert document["built"] == []
    manifest = sum(file["size"] for file in document["files"] if file["path"] in {"manifest.json", "sbom.cdx.json"})
    assert document["rebuilds"][0] == {
        "what": "the entry script or its sources",
        "layers": ["source", "manifest"],
        "size": 209 + manifest,
    }
    assert document["layers"][2:] == [
        {"name": MODEL, "files": 1, "size": 6},
        {"name": "source", "files": 1, "size": 209},
        {"name": "manifest", "files": 2, "size": manifest},
    ]
    script = {"path": "azureml-app/score.py", "layer": "source", "size": 209, "mode": "0644", "copied": True}
    assert script in document["files"]
    assert not Path("dist").exists()


def test_models_that_are_not_copied(copy_project, mlpackage):
    """`plan` marks the layer of a model that is not copied, and counts only the model as its change."""
    project = copy_project("named-models")
    mlpackage("generate", "--project", project)
    (project / "models/ridge.bin").write_text("more weights")

    shown = [line.split() for line in mlpackage("plan", "--project", project).out.splitlines() if "models/" in line]

    assert (
        [*shown[:2], shown[-2]]
        == [
            ["azureml-models/ridge/3", "(not", "copied)", "88", "B", "2", "1", "changed"],  # with the list of its hash
            ["azureml-models/bert/1", "(not", "copied)", *shown[1][3:5], "3", "same"],
            ["changed", "azureml-models/ridge/3/ridge.bin"],
        ]
    )


def test_the_whole(project, mlpackage):
    """`plan` lists the layers, the installed packages, the cost of each kind of change, and the next command."""
    (project / "locks/packages.json").write_text(
        json.dumps({"idna==3.20": {"size": 68_800, "sha256": IDNA, "modules": ["idna"]}})
    )
    plan = finished(inspect_project(load_project(project)), plan_context(load_project(project)))
    runtime, environment, manifest = (
        sum(file.size for file in plan.in_layer(it)) for it in ("runtime", "environment", "manifest")
    )
    count, above = len(plan.in_layer("runtime")), 215 + manifest

    lines = [line.split() for line in mlpackage("plan").out.splitlines()]

    assert lines[:7] == [
        ["layer", "size", "files", "since", "the", "last", "context"],
        ["environment", *size(environment).split(), "1", "new"],
        ["runtime", *size(runtime).split(), str(count), "new"],
        [MODEL, "6", "B", "1", "new"],
        ["source", "209", "B", "1", "new"],
        ["manifest", *size(manifest).split(), "2", "new"],
        ["(not", "in", "the", "image)", *lines[6][4:6], "3", "new"],
    ]
    assert [" ".join(line) for line in lines[8:]] == [
        "1 package, 68.8 kB of wheels to install besides",
        "",
        "after a change of size a builder makes these layers again",
        f"the entry script or its sources {size(209 + manifest)} source, manifest",
        f"the model greeting 1 {size(above)} {MODEL}, source, manifest",
        f"hatch-mlpackage {size(runtime + above)} runtime, {MODEL}, source, manifest",
        f"a requirement {size(runtime + above + environment + 68_800)} environment, runtime, {MODEL}, source, manifest",
        "",
        "There is no context at dist/minimal-model-1.0-context yet: mlpackage generate writes it.",
    ]


NO_GPU = "nvidia-nccl-cu13 300.0 MB: no GPU in this image; xgboost-cpu has none"


@pytest.mark.parametrize(
    ("table", "advice"), [("", [NO_GPU]), ('base-image = "python:3.12-slim-bookworm"\ncuda = "13.0"', [])]
)
def test_what_is_heavy(project, mlpackage, change, table, advice):
    """`plan` names the biggest packages, and those that only a GPU needs unless the image is for one."""
    sizes = {"idna": 68_800, "xgboost": 130_000_000, "nvidia-nccl-cu13": 300_000_000}
    change(project / "pyproject.toml", "[tool.mlpackage]\n", f"[tool.mlpackage]\n{table}\n")
    change(project / "pyproject.toml", '"idna>=3.7"', '"idna>=3.7", "xgboost"')
    lock = project / "locks/requirements.txt"
    more = [
        f"nvidia-nccl-cu13==2.32.3 \\\n    --hash=sha256:{'1' * 64}\n    # via xgboost\n",
        f"xgboost==3.4.1 \\\n    --hash=sha256:{'1' * 64}\n    # via -r requirements.in\n",
    ]
    inputs = inspect_requirements(load_project(project))
    body = "".join([lock.read_text().partition("body=")[2].partition("\n")[2], *more])
    lock.write_text(with_header(body, inputs.requirements, inputs.config.target))
    versions = {"idna": ("3.20", IDNA), "xgboost": ("3.4.1", "1" * 64), "nvidia-nccl-cu13": ("2.32.3", "1" * 64)}
    entries = {
        f"{name}=={version}": {"size": sizes[name], "sha256": sha256} for name, (version, sha256) in versions.items()
    }
    (project / "locks/packages.json").write_text(json.dumps(entries))

    outcome = mlpackage("plan")

    lines = outcome.out.splitlines()
    assert outcome.status == 0, outcome.err
    start = next(number for number, line in enumerate(lines) if line.endswith("to install besides"))
    assert lines[start : start + 3 + len(advice)] == [
        "3 packages, 430.1 MB of wheels to install besides",
        "The heaviest: nvidia-nccl-cu13 300.0 MB, xgboost 130.0 MB",
        *advice,
        "",
    ]


def test_on_a_terminal(project, terminal):
    """On a terminal `plan` draws a tree of layers with their files, and folds big folders."""
    screen = terminal()

    run(["plan"])

    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert plain[0] == "minimal-model:1.0"
    assert re.fullmatch(r"├── environment  1 file, \d+ B, new", plain[1])
    assert "│   └── score.py  209 B" in [line.replace("azureml-app/", "") for line in plain]
    assert any(re.fullmatch(r"│   └── runtime/ \(\d+ files\)  \d+\.\d kB", line) for line in plain)
