"""Import files of Azure ML v2, and use one where it is."""

from __future__ import annotations

import os
import re
import shlex
import tomllib

import pytest

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = "dependencies:\n- python=3.7.5\n- pip\n- pip:\n  - azureml-inference-server-http\n"
DEPLOYMENT = """\
$schema: https://schemas.example/managedOnlineDeployment.schema.json
name: blue
endpoint_name: ridge
model:
  path: ../model/
code_configuration:
  code: ../onlinescoring
  scoring_script: score-online.py
environment:
  conda_file: ../environment/conda.yaml
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest
request_settings:
  request_timeout_ms: 3000
"""
TABLE = {
    "source-directory": "onlinescoring",
    "entry-script": "onlinescoring/score-online.py",
    "conda-file": "environment/conda.yaml",
    "python-version": "3.11",
    "server": {"scoring-timeout-ms": 3000},
    "models": [{"name": "model", "path": "model"}],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a repository with a deployment in a folder of its own."""
    for name, text in (
        ("onlinescoring/score-online.py", SCRIPT),
        ("environment/conda.yaml", CONDA),
        ("model/ridge.pkl", "ridge"),
        ("endpoints/blue.yml", DEPLOYMENT),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["mlpackage"]


def test_a_deployment(folder, mlpackage):
    """A managed online deployment becomes a project, which locks and generates."""
    imported = mlpackage("import-azureml", "endpoints/blue.yml", "--python-version", "3.11")

    assert (imported.status, imported.err, table(folder)) == (0, "", TABLE)
    assert [mlpackage(verb).status for verb in ("lock", "check", "generate")] == [0, 0, 0]
    context = folder / "dist/model-1-context"
    assert 'ENV AZUREML_ENTRY_SCRIPT="onlinescoring/score-online.py"\n' in (context / "Dockerfile").read_text()
    assert (context / "azureml-models/model/1/model/ridge.pkl").is_file()


def test_from_its_own_folder(folder, mlpackage, monkeypatch):
    """From the folder of the deployment, the error gives the flag for the folder that has all files."""
    monkeypatch.chdir(folder / "endpoints")

    refused = mlpackage("import-azureml", "blue.yml", "--python-version", "3.11")
    flag = re.search(r"Give (--project \S+):", refused.err)[1].split()

    assert refused.status == 1
    assert mlpackage("import-azureml", "blue.yml", "--python-version", "3.11", *flag).status == 0
    assert table(folder) == TABLE


PYFUNC = """\
flavors:
  python_function: {loader_module: mlflow.xgboost}
  xgboost: {model_class: xgboost.core.Booster, data: model.ubj}
mlflow_version: 3.1.0
signature:
  inputs: '[{"type": "double", "name": "age"}]'
"""


@pytest.mark.parametrize(
    ("place", "flags", "advised_folder"),
    [
        (".", [], []),
        (".", ["--project", "."], ["--project", "."]),
        ("endpoints", ["--project", "."], ["--project", ".."]),
    ],
)
def test_a_deployment_without_a_script(folder, mlpackage, monkeypatch, index, place, flags, advised_folder):
    """What the refusal of a model alone advises locks that model, and with the same flags the context is written."""
    for name, version in (("mlflow_skinny", "3.1.0"), ("inference_schema", "1.8"), ("numpy", "2.2.0")):
        index.add(name, version)
    for name in ("pandas", "werkzeug", "xgboost"):
        index.add(name, "3.0.0")
    code = re.search(r"code_configuration:\n.*\n.*\n", DEPLOYMENT)[0]
    (folder / "endpoints/blue.yml").write_text(DEPLOYMENT.replace(code, "").replace("../model/", "../credit model"))
    (folder / "credit model").mkdir()
    (folder / "credit model/MLmodel").write_text(PYFUNC)
    (folder / "credit model/requirements.txt").write_text("mlflow==3.1.0\nxgboost\n")
    monkeypatch.chdir(place)

    refused = mlpackage("import-azureml", os.path.relpath(folder / "endpoints/blue.yml"), *flags)
    advised = shlex.split(re.search(r"by its framework: mlpackage (.*)", refused.err)[1])
    locked = mlpackage(*advised)

    assert (refused.status, locked.status, locked.err.count("Error")) == (1, 0, 0), locked.err
    assert advised[1:-4] == advised_folder
    assert mlpackage("generate", *advised[1:], "--output", folder / "context").status == 0
    assert (folder / "context/azureml-models/credit-model/1/credit model/MLmodel").read_text() == PYFUNC


def test_in_place(folder, mlpackage):
    """`inference-config` names such a file too, and the image is the same."""
    assert mlpackage("import-azureml", "endpoints/blue.yml", "--python-version", "3.11").status == 0
    assert mlpackage("lock").status == 0
    assert mlpackage("generate", "--output", "imported").status == 0
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "model"\nversion = "1"\n\n'
        '[tool.mlpackage]\ninference-config = "endpoints/blue.yml"\npython-version = "3.11"\n'
    )

    assert mlpackage("generate", "--output", "in-place").status == 0

    manifests = [(folder / name / "manifest.json").read_text() for name in ("imported", "in-place")]
    assert manifests[0] == manifests[1]


def test_an_environment_of_its_own(folder, mlpackage):
    """`--environment` takes the file of an environment of v2, whose paths count from its own folder."""
    registered = re.sub(r"environment:\n.*\n.*\n", "environment: azureml:ridge-env@latest\n", DEPLOYMENT)
    (folder / "endpoints/blue.yml").write_text(registered)
    (folder / "environment/env.yml").write_text(
        "$schema: s\nname: ridge-env\nimage: debian:12\nconda_file: conda.yaml\n"
    )

    undecided = mlpackage("import-azureml", "endpoints/blue.yml")
    decided = mlpackage("import-azureml", "endpoints/blue.yml", "--environment", "environment/env.yml", "--force")

    assert "'azureml:ridge-env@latest' is kept in a workspace: save its file, and give it with --environment" in (
        undecided.out
    )
    assert decided.status == 0
    assert (table(folder)["conda-file"], table(folder)["base-image"]) == ("environment/conda.yaml", "debian:12")
