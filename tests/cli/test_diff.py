from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import read_manifest


@pytest.fixture
def context(project, mlpackage):
    mlpackage("generate", "--output", "one")
    return project


def generate(mlpackage, old, new, place="pyproject.toml"):
    """Edit a file and write a second context."""
    path = Path(place)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert mlpackage("generate", "--output", "other").status == 0


def test_the_same(context, mlpackage):
    """`diff` says in one line that two contexts are the same, and exits with 0."""
    outcome = mlpackage("diff", "one", "one/manifest.json")

    digest = read_manifest(Path("one")).digest
    assert (outcome.status, outcome.out, outcome.err) == (0, f"the same: {digest}\n", "")


def test_a_model(context, mlpackage):
    """`diff` names a new model's layer and sizes; a rebuild keeps every layer below it."""
    generate(mlpackage, "Hello", "Good morning", "models/greeting.txt")

    outcome = mlpackage("diff", "one", "other")

    assert (outcome.status, outcome.err) == (1, "")
    lines = outcome.out.splitlines()
    assert lines[:2] == [
        "layer azureml-models/greeting/1",
        "  azureml-models/greeting/1/greeting.txt changed (6 B → 13 B)",
    ]
    assert lines[-1] == "A rebuild makes these layers again: azureml-models/greeting/1, source, manifest."


def test_the_environment(context, mlpackage):
    """`diff` shows a changed pin by name with both versions, and a changed base image with both references."""
    lock = Path("locks/requirements.txt")
    (pinned,) = [line for line in lock.read_text().splitlines() if line.startswith("idna==")]
    version = pinned.partition("==")[2].split()[0]
    shutil.copytree("one", "other")
    bill = Path("other/sbom.cdx.json")
    bill.write_text(bill.read_text().replace(f'"version": "{version}"', '"version": "99"'))
    manifest = json.loads(Path("other/manifest.json").read_text())
    manifest["image"]["base"] = "python:3.12@sha256:1"
    for file in manifest["files"]:
        if file["path"] == "sbom.cdx.json":
            file["sha256"] = hashlib.sha256(bill.read_bytes()).hexdigest()
    Path("other/manifest.json").write_text(json.dumps(manifest))

    outcome = mlpackage("diff", "one", "other")

    assert outcome.status == 1
    lines = outcome.out.splitlines()
    assert lines[0] == f"image.base {read_manifest(Path('one')).about['image']['base']} → python:3.12@sha256:1"
    assert lines[1:3] == ["layer environment", f"  idna {version} → 99"]
    assert lines[-1] == (
        "A rebuild makes these layers again: environment, runtime, azureml-models/greeting/1, source, manifest."
    )


def test_an_instruction(context, mlpackage):
    """`diff` shows the changed lines of the Dockerfile; a new label rebuilds only the last layer."""
    generate(mlpackage, "[[tool", '[tool.mlpackage.image.labels]\n"com.example.team" = "a"\n\n[[tool')

    outcome = mlpackage("diff", "one", "other")

    assert '  + LABEL com.example.team="a"' in outcome.out.splitlines()
    assert outcome.out.endswith("A rebuild makes these layers again: manifest.\n")


def test_manifests_alone(context, mlpackage):
    """Given a manifest alone, `diff` names the layers and says what it cannot compare."""
    shutil.copy("one/manifest.json", "deployed.json")
    generate(mlpackage, "[[tool", '[tool.mlpackage.image.labels]\n"com.example.team" = "a"\n\n[[tool')

    outcome = mlpackage("diff", "deployed.json", "other")

    assert outcome.status == 1
    assert outcome.out.splitlines()[-3:] == [
        "The Dockerfile changes; a manifest alone does not show which lines.",
        "It takes the bills of materials (sbom.cdx.json) of both contexts to see which packages change.",
        (
            "A rebuild makes at most these layers again: "
            "environment, runtime, azureml-models/greeting/1, source, manifest."
        ),
    ]


def test_many_files_are_counted(context, mlpackage):
    """`diff` lists the first twenty changes of a layer and counts the others."""
    for number in range(25):
        Path(f"src/{number:02}.py").parent.mkdir(exist_ok=True)
        Path(f"src/{number:02}.py").touch()
    shutil.copy("score.py", "src/score.py")
    generate(mlpackage, 'entry-script = "score.py"', 'entry-script = "src/score.py"\nsource-directory = "src"')

    outcome = mlpackage("diff", "one", "other")

    lines = outcome.out.splitlines()
    start = lines.index("layer source")
    assert lines[start + 21] == "  and 7 more changes"


def test_json(context, mlpackage):
    """`--json` gives both digests and every change."""
    generate(mlpackage, "Hello", "Good morning", "models/greeting.txt")

    same, other = mlpackage("diff", "one", "one", "--json"), mlpackage("diff", "one", "other", "--json")

    digests = [read_manifest(Path(name)).digest for name in ("one", "other")]
    assert (same.status, json.loads(same.out)) == (
        0,
        {"same": True, "digests": digests[:1] * 2, "about": [], "layers": [], "dockerfile": [], "rebuilt": []},
    )
    document = json.loads(other.out)
    assert (other.status, document["same"], document["digests"]) == (1, False, digests)
    assert document["layers"][0] == {
        "name": "azureml-models/greeting/1",
        "files": [
            {"path": "azureml-models/greeting/1/greeting.txt", "kind": "changed", "before": 6, "after": 13},
        ],
        "packages": [],
    }
    assert document["rebuilt"] == ["azureml-models/greeting/1", "source", "manifest"]


def test_no_context(project, mlpackage):
    """For a folder that is not a context, the error says how to make one."""
    outcome = mlpackage("diff", ".", ".")

    assert (outcome.status, outcome.out) == (1, "")
    assert "not a context" in outcome.err
