"""Run `mlpackage check` on a model without an entry script."""

from __future__ import annotations

import json
from functools import partial

import joblib
import numpy as np
from sklearn import __version__ as sklearn_version
from sklearn.linear_model import Ridge

from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.project.model_facts import budget
from hatch_mlpackage.project.pyproject import Project

FLAGS = ("--model", "ridge=model.pkl", "--framework", "sklearn", "--allow-pickle")
MODEL = {"name": "ridge", "path": "model.pkl", "framework": "sklearn", "allow-pickle": True}


def write_project(folder, made_up_lock):
    """Write a project around the model in a folder, with a lock that fits it."""
    table = {"pin-base-image": False, "models": [MODEL]}
    package = inspect_project(Project(root=folder, name="ridge", version="1", table=table))
    package.lock_path.parent.mkdir()
    package.lock_path.write_text(made_up_lock(package.requirements, package.config.target))
    (folder / "pyproject.toml").write_text("[tool.mlpackage]\npin-base-image = false\n")


def test_what_was_read_of_the_model(tmp_path, monkeypatch, mlpackage, made_up_lock):
    """`check` shows what it read from the model's file, and hints at what the file leaves out."""
    rows = np.arange(20.0).reshape(10, 2)
    ridge = Ridge().fit(rows, rows[:, 0])
    del ridge.n_features_in_
    joblib.dump(ridge, tmp_path / "model.pkl")
    write_project(tmp_path, made_up_lock)
    monkeypatch.chdir(tmp_path)

    shown, as_json = mlpackage("check", *FLAGS), mlpackage("check", "--json", *FLAGS)

    assert (shown.status, as_json.status) == (0, 0)
    assert "entry script  generated: run() has an input schema" in shown.out
    assert f"model         ridge 1: scikit-learn {sklearn_version}" in shown.out
    note = "its file does not say what it takes: any list is accepted. State it in inputs."
    assert f"Hint[configuration]: --model ridge=model.pkl: {note}" in " ".join(shown.err.split())
    assert [(problem["what"], problem["level"]) for problem in json.loads(as_json.out)["problems"]] == [(note, "hint")]


def test_the_requirements_of_a_generated_script(tmp_path, monkeypatch, mlpackage, made_up_lock):
    """`check` does not ask to remove what was added for the script that it generates."""
    joblib.dump(Ridge().fit([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]), tmp_path / "model.pkl")
    write_project(tmp_path, made_up_lock)
    pins = [pin for pin in read_pins((tmp_path / "locks/requirements.txt").read_text()) if pin.version]
    records = {str(pin).replace(" ", "=="): {"modules": [pin.name.replace("-", "_")], "size": 1} for pin in pins}
    (tmp_path / "locks/packages.json").write_text(json.dumps(records))
    monkeypatch.chdir(tmp_path)

    outcome = mlpackage("check", "--json", *FLAGS)

    assert (outcome.status, json.loads(outcome.out)["problems"]) == (0, [])


def test_a_model_that_costs_too_much_to_read(tmp_path, monkeypatch, mlpackage, made_up_lock):
    """`check` hints that the model's file was not read, `generate` warns of it, and both go on."""
    monkeypatch.setattr(budget, "Limits", partial(budget.Limits, operations=0))
    joblib.dump(Ridge(), tmp_path / "model.pkl")
    write_project(tmp_path, made_up_lock)
    monkeypatch.chdir(tmp_path)

    checked, generated = mlpackage("check", *FLAGS), mlpackage("generate", *FLAGS, "--output", "context")

    assert (checked.status, generated.status) == (0, 0), generated.err
    said = "it has more parts than mlpackage reads (0), so that the script is written without what its file says."
    assert f"Hint[configuration]: --model ridge=model.pkl: {said}" in " ".join(checked.err.split())
    assert f"Warning: tool.mlpackage.models[0]: {said}" in " ".join(generated.err.split())
