"""A model whose file costs too much to read is served without what its file says, and that is said."""

from __future__ import annotations

import ast
import json
from functools import partial
from pathlib import Path

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.config.keys import Config, Model, ModelInput
from hatch_mlpackage.project.model_facts import budget
from hatch_mlpackage.project.no_code.read import read_no_code
from hatch_mlpackage.project.pyproject import Project

WHY = "it has more parts than mlpackage reads (0)"
SAID = f"{WHY}, so that the script is written without what its file says."
DECLARED = (ModelInput(name="x", type="float32", shape=(-1, 2)),)
COLUMNS = (ModelInput(name="age", type="float64"),)
FOLDERS = {"mlflow": "MLmodel", "tensorflow": "saved_model.pb"}


@pytest.fixture(autouse=True)
def nothing_to_spend(monkeypatch):
    """Let every model exceed the budget."""
    monkeypatch.setattr(budget, "Limits", partial(budget.Limits, operations=0))


def read(folder: Path, framework: str, **keys):
    """Return what is generated for a model of a framework, and the problems."""
    path = folder / "model"
    if framework in FOLDERS:
        path.mkdir()
        (path / FOLDERS[framework]).write_bytes(b"\x0a\x01a: 1")
    else:
        path.write_bytes(b"PK\x05\x06" + bytes(18) if framework == "pytorch" else b"{ x" * 30)
    problems = Problems()
    model = Model(name="demo", path="model", framework=framework, **keys)
    project = Project(root=folder, name="demo", version="1", table={})
    return read_no_code(project, Config(models=(model,)), None, problems), [str(it) for it in problems.found]


@pytest.mark.parametrize(
    ("framework", "keys"),
    [
        ("sklearn", {"allow_pickle": True}),
        ("sklearn", {"allow_pickle": True, "inputs": COLUMNS}),
        ("xgboost", {}),
        ("lightgbm", {}),
        ("onnx", {"inputs": DECLARED}),
        ("tensorflow", {"inputs": DECLARED}),
        ("mlflow", {"allow_pickle": True}),
    ],
)
def test_without_facts(tmp_path, framework, keys):
    """The script is written from what the project says, and a note says first why the file was not read."""
    made, problems = read(tmp_path, framework, **keys)

    assert problems == []
    assert (made.notes[0], made.unread) == (SAID, SAID)
    assert [note for note in made.notes[1:] if "its file does not say the version of " not in note] == (
        [] if "inputs" in keys else ["its file does not say what it takes: any list is accepted. State it in inputs."]
    )
    ast.parse(made.script)
    assert isinstance(json.loads(made.sample), dict)


@pytest.mark.parametrize(
    ("framework", "said"),
    [
        ("sklearn", "it may be a pickle, which is a program that runs when it is loaded."),
        ("mlflow", "its loader may run programs that the folder brings."),
    ],
)
def test_consent(tmp_path, framework, said):
    """A model that may run code needs consent, as its file was not read."""
    made, problems = read(tmp_path, framework)

    assert made is None
    assert [problem.partition(" Save it")[0].partition(" Log the")[0] for problem in problems] == [
        f"tool.mlpackage.models[0].allow-pickle: 'model' is refused without your consent: {said}"
    ]


@pytest.mark.parametrize(
    ("framework", "title", "fix"),
    [
        ("onnx", "ONNX", "State what it takes in inputs, or write an entry script."),
        ("tensorflow", "TensorFlow", "State what it takes in inputs, or write an entry script."),
        ("pytorch", "PyTorch", "Write an entry script."),
    ],
)
def test_models_that_need_their_facts(tmp_path, framework, title, fix):
    """Where no script can be written without the facts, the error says why they are missing, and what to do."""
    made, problems = read(tmp_path, framework)

    assert (made, problems) == (
        None,
        [f"tool.mlpackage.models[0].path: 'model' cannot be served as a model of {title}: {WHY}. {fix}"],
    )


def test_an_onnx_folder(tmp_path):
    """Nobody knows which file of a folder is the model, so that declared inputs do not help."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/a.onnx").write_bytes(b"\x08\x01" * 9)
    model = Model(name="demo", path="model", framework="onnx", inputs=DECLARED)
    problems = Problems()

    project = Project(root=tmp_path, name="demo", version="1", table={})
    assert read_no_code(project, Config(models=(model,)), None, problems) is None
    assert len(problems.found) == 1
