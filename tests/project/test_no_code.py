"""What stands in for an entry script: the scripts, what they need, and what is said where they cannot be written."""

from __future__ import annotations

import ast
import json
import os
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import __version__ as sklearn_version
from sklearn.linear_model import Ridge

from hatch_mlpackage.cli.program import run
from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.image_values import server_environment
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.errors import ConfigurationError, LockError, Problems
from hatch_mlpackage.lock.asked.model_needs import with_generated
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.config.keys import Model, ModelInput
from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor
from hatch_mlpackage.project.no_code.scripts import write_script
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.project.sources.entry_script import read_entry_script

GOLDEN = Path(__file__).resolve().parents[1] / "golden/no-code"
K = "tool.mlpackage.models[0]"
ROWS = np.arange(20.0).reshape(10, 2)


def model(framework, path, **more):
    return Model(name="demo", path=f"models/{path}", framework=framework, **more)


FLAGS = ("--model", "ridge=model.pkl", "--framework", "sklearn", "--allow-pickle")
COLUMNS = ("sepal length (cm)", "sepal width (cm)")
SCRIPTS = {
    "sklearn-rows": (model("sklearn", "demo.joblib", allow_pickle=True), ModelFacts(feature_count=4)),
    "sklearn-columns": (
        model("sklearn", "demo.pkl", allow_pickle=True),
        ModelFacts(features=COLUMNS, feature_count=2, label=""),
    ),
    "sklearn-unknown": (model("sklearn", "demo.pkl", allow_pickle=True), ModelFacts(missing=("what it takes",))),
    "sklearn-declared": (
        model(
            "sklearn",
            "demo.pkl",
            allow_pickle=True,
            inputs=(ModelInput(name="age", type="int64"), ModelInput(name="town", type="str")),
        ),
        ModelFacts(missing=("what it takes",)),
    ),
    "skops": (model("skops", "demo.skops"), ModelFacts(feature_count=4)),
    "xgboost": (model("xgboost", "demo.ubj"), ModelFacts(features=("a", "b"), feature_count=2, categories=True)),
    "lightgbm": (model("lightgbm", "demo.txt"), ModelFacts(feature_count=4)),
    "onnx": (
        model("onnx", "demo.onnx"),
        ModelFacts(
            inputs=(
                Tensor(name="input:0", type="float32", shape=(-1, 3, -1, -1)),
                Tensor(name="class", type="str", shape=(-1,)),
            ),
            outputs=(Tensor(name="scores", type=""),),
        ),
    ),
    "pytorch-script": (
        model("pytorch", "demo.pt"),
        ModelFacts(inputs=(Tensor(name="x", type="float32"),), signatures=("script",)),
    ),
    "pytorch-program": (
        model("pytorch", "demo.pt2"),
        ModelFacts(
            inputs=(
                Tensor(name="x", type="float32", shape=(-1, 4)),
                Tensor(name="image", type="float32", shape=(1, 3, 224, 224)),
            ),
            signatures=("program",),
        ),
    ),
    "tensorflow": (
        model("tensorflow", "demo"),
        ModelFacts(inputs=(Tensor(name="x", type="float32", shape=(-1, 4)),), signatures=("serving_default",)),
    ),
    "mlflow-columns": (
        model("mlflow", "demo"),
        ModelFacts(
            inputs=(Tensor(name="age", type="float64", shape=()), Tensor(name="town", type="str", shape=())),
            signatures=("columns",),
        ),
    ),
    "mlflow-tensor": (
        model("mlflow", "demo"),
        ModelFacts(inputs=(Tensor(name="", type="float64", shape=(-1, 4)),), signatures=("tensors",)),
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(request, name):
    """Every generated script is as reviewed, an entry script by our own rules, and readable by the oldest Python."""
    made = write_script(*SCRIPTS[name])

    path = GOLDEN / f"{name.replace('-', '_')}.py"
    if request.config.getoption("--update-golden"):
        path.write_text(made.script)
    assert made.script == path.read_text()
    problems = Problems()
    script = read_entry_script(made.script.encode(), "score.py", problems)
    assert (script.call_style, problems.found) == ("schema", ())
    ast.parse(made.script, feature_version=(3, 8))
    assert set(json.loads(made.sample)) <= set(script.parameters)


def programs(script):
    """Return what a script does but for its texts: its statements, with every text and number left out."""
    tree = ast.parse(script)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = 0
    return [type(node).__name__ for node in tree.body]


ANY_NAME = st.text(min_size=1, max_size=20) | st.sampled_from(
    ['"""', "\n", '\\"\\\n', "#", "{{ 1 }}", "{% x %}", "\ud800"]
)


@settings(deadline=None, max_examples=60)
@given(name=ANY_NAME, other=ANY_NAME)
@pytest.mark.parametrize("framework", ["sklearn", "xgboost", "onnx", "pytorch", "tensorflow", "mlflow"])
def test_names_are_no_code(framework, name, other):
    """Whatever a model calls its features, inputs, outputs and signatures, the script stays the same program."""

    def facts(name, other):
        tensor = Tensor(name=name, type="float32", shape=(-1, 2))
        columns = {"features": (name,), "feature_count": 1} if framework in {"sklearn", "xgboost"} else {}
        return ModelFacts(inputs=(tensor,), outputs=(Tensor(name=other, type=""),), signatures=(other,), **columns)

    made = write_script(model(framework, "demo"), facts(name, other))

    assert programs(made.script) == programs(write_script(model(framework, "demo"), facts("x", "y")).script)
    assert json.loads(made.sample)


def test_types_are_no_code():
    """A type that is none does not get into a script."""
    facts = ModelFacts(inputs=(Tensor(name="x", type="float32); evil(", shape=(1,)),))

    with pytest.raises(ValueError, match="it takes float32"):
        write_script(model("onnx", "demo.onnx"), facts)


def test_a_version_that_is_none(project_of):
    """What a file gives for a version becomes no requirement where it is none."""

    def save(path):
        ridge = Ridge().fit(ROWS, ROWS[:, 0])
        ridge.__dict__["_sklearn_version"] = "1.0\n--index-url http://evil"
        pickle_of = pickle.dumps(ridge.__dict__, protocol=4)
        path.write_bytes(b"\x80\x04csklearn.linear_model._ridge\nRidge\n)\x81" + pickle_of[2:-1] + b"b.")

    package = inspect_project(project_of(save, **{"allow-pickle": True}))

    assert "scikit-learn" in package.requirements.requirements
    assert package.no_code.notes[0].startswith("its file does not say the version of scikit-learn")


@pytest.fixture
def project_of(tmp_path):
    """Give a function that makes a project of one model, which another function saves."""

    def make(save, framework="sklearn", **more):
        save(tmp_path / "model.pkl")
        table = {
            "pin-base-image": False,
            "models": [{"name": "ridge", "path": "model.pkl", "framework": framework, **more}],
        }
        return Project(root=tmp_path, name="ridge", version="1", table=table)

    return make


def save_ridge(path):
    joblib.dump(Ridge().fit(ROWS, ROWS[:, 0]), path)


def refusal(project):
    with pytest.raises(ConfigurationError) as raised:
        inspect_project(project)
    return [str(problem) for problem in raised.value.problems]


def test_a_pickle_is_refused(project_of):
    """A model that runs code when it is loaded needs a word for it; the risk and the other way are said."""
    project = project_of(save_ridge)

    (said,) = refusal(project)
    assert said == (
        f"{K}.allow-pickle: 'model.pkl' is refused without your consent: it is a pickle, which is a program "
        'that runs when it is loaded. Save it without code: skops.io.dump(model, "model.skops"), with framework = '
        '"skops"; or as ONNX. Or, if you trust where it comes from, say so: allow-pickle = true.'
    )
    with pytest.raises(ConfigurationError, match="allow-pickle"):
        inspect_requirements(project)  # nor is there anything to lock


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_model_runs(project_of, tmp_path):
    """Writing a context from a vouched pickle does not load it: that is for the image."""

    def save(path):
        ridge = Ridge().fit(ROWS, ROWS[:, 0])
        ridge.evil = Evil(tmp_path / "evil")
        path.write_bytes(pickle.dumps(ridge))

    package = inspect_project(project_of(save, **{"allow-pickle": True}))

    assert not (tmp_path / "evil").exists()
    assert package.no_code.about == f"scikit-learn {sklearn_version}, 2 features"


@pytest.mark.parametrize(
    ("save", "framework", "said"),
    [
        (
            lambda path: path.write_bytes(b"no model"),
            "skops",
            (
                f"{K}.path: 'model.pkl' cannot be served as a model of skops: it is not a skops archive. "
                "Correct path or framework, or write an entry script."
            ),
        ),
        (
            lambda path: joblib.dump({"model": 1}, path),
            "sklearn",
            (
                f"{K}.path: 'model.pkl' cannot be served as a model of scikit-learn: it holds a dict, not a trained "
                "estimator. Correct path or framework, or write an entry script."
            ),
        ),
        (
            save_ridge,
            "tensorflow",
            f"{K}.path: 'model.pkl' is not a folder, as models of TensorFlow are. Correct path or framework.",
        ),
        (
            Path.mkdir,
            "xgboost",
            f"{K}.path: 'model.pkl' is not a file, as models of XGBoost are. Correct path or framework.",
        ),
    ],
)
def test_what_is_no_such_model(project_of, save, framework, said):
    """A file that is not what it is declared to be is told from what it is, with what to do."""
    assert said in refusal(project_of(save, framework))


def test_a_context(project_of, tmp_path):
    """The generated script lies where the server looks, with a request to try; what made the model is locked."""
    project = project_of(save_ridge, **{"allow-pickle": True})
    package = inspect_project(project)

    assert package.requirements.requirements == (
        "inference-schema[numpy-support]",
        "joblib",
        "numpy>=2",
        f"scikit-learn=={sklearn_version}",
        "werkzeug",
    )
    with pytest.raises(LockError, match="is missing"):
        build_context(project, tmp_path / "context")
    lock = with_header("", package.requirements, package.config.target)
    (tmp_path / "locks").mkdir()
    package.lock_path.write_text(lock)
    build_context(project, tmp_path / "context")
    assert (tmp_path / "context/azureml-app/score.py").read_text() == package.no_code.script
    assert json.loads((tmp_path / "context/request.json").read_text()) == {"data": [[0.0, 0.0]]}
    assert "--data @request.json" in (tmp_path / "context/README.md").read_text()
    assert server_environment(package)["AZUREML_ENTRY_SCRIPT"] == "score.py"


def test_a_new_version_makes_the_lock_stale(project_of):
    """A model that was trained again with another scikit-learn asks for another lock."""
    project = project_of(save_ridge, **{"allow-pickle": True, "framework-version": "0.1"})

    assert "scikit-learn==0.1" in inspect_requirements(project).requirements.requirements


@pytest.mark.parametrize(
    ("asked", "conda", "kept", "notes"),
    [
        (
            ["scikit-learn>=1", "pandas"],
            [],
            ["inference-schema[numpy-support]", "joblib", "pandas", "scikit-learn>=1", "werkzeug"],
            [],
        ),
        (
            ["scikit-learn<1.5"],
            [],
            ["inference-schema[numpy-support]", "joblib", "scikit-learn<1.5", "werkzeug"],
            [
                (
                    "scikit-learn<1.5 is kept, though the model was made with scikit-learn==1.5.2: it may not load, or "
                    "answer otherwise."
                )
            ],
        ),
        ([], ["scikit-learn", "joblib"], ["inference-schema[numpy-support]", "werkzeug"], []),
    ],
)
def test_what_the_project_names_itself(asked, conda, kept, notes):
    """What the project or its conda file asks for stays as it is; another version than the model's is told."""
    made = write_script(
        model("sklearn", "demo.joblib"), ModelFacts(versions={"scikit-learn": "1.5.2"}, feature_count=2)
    )

    requirements = with_generated(Requirements(requirements=tuple(asked)), made, conda=conda)

    assert list(requirements.requirements) == kept
    assert [note for note in requirements.notes if "is added" not in note] == notes


def test_what_is_missing_is_told():
    """What a file does not say is told with the key that says it, until it does."""
    facts = ModelFacts(missing=("the version of LightGBM that made it",), feature_count=2)

    (note,) = write_script(model("lightgbm", "demo.txt"), facts).notes
    assert note == (
        "its file does not say the version of LightGBM that made it: the newest lightgbm is locked. "
        "State it in framework-version."
    )
    assert write_script(model("lightgbm", "demo.txt", framework_version="4.6.0"), facts).notes == ()
    assert (
        "lightgbm==4.6.0" in write_script(model("lightgbm", "demo.txt", framework_version="4.6.0"), facts).requirements
    )


@pytest.mark.network
def test_by_url(tmp_path, monkeypatch):
    """A model that is declared by URL is fetched before it is read, so that what made it is locked at once."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    save_ridge(tmp_path / "ridge.joblib")
    root = tmp_path / "project"
    root.mkdir()
    declared = {
        "name": "ridge",
        "path": (tmp_path / "ridge.joblib").as_uri(),
        "framework": "sklearn",
        "allow-pickle": True,
    }
    project = Project(root=root, name="ridge", version="1", table={"pin-base-image": False, "models": [declared]})

    lock_project(project, report=lambda _: None)
    build_context(project, tmp_path / "context")

    assert f"scikit-learn=={sklearn_version} " in (root / "locks/requirements.txt").read_text()
    assert 'MODEL_FILE = "ridge.joblib"' in (tmp_path / "context/azureml-app/score.py").read_text()
    assert (tmp_path / "context/azureml-models/ridge/1/ridge.joblib").is_file()


def test_by_url_before_it_is_fetched(tmp_path, monkeypatch):
    """What was not fetched yet is reported as any model by URL is."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    declared = {"name": "ridge", "path": "file:///ridge.skops", "framework": "skops"}
    project = Project(root=tmp_path, name="ridge", version="1", table={"models": [declared]})

    assert refusal(project) == [f"{K}.path: file:///ridge.skops is not locked. Run `mlpackage lock`, which fetches it."]


def test_check_tells(project_of, tmp_path, monkeypatch, capsys):
    """`mlpackage check` says what was read of the model, and what its file does not say."""

    def save(path):
        ridge = Ridge().fit(ROWS, ROWS[:, 0])
        del ridge.n_features_in_
        joblib.dump(ridge, path)

    project = project_of(save, **{"allow-pickle": True})
    package = inspect_project(project)
    package.lock_path.parent.mkdir()
    package.lock_path.write_text(with_header("", package.requirements, package.config.target))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.mlpackage]\npin-base-image = false\n")

    assert run(["check", *FLAGS]) == 0
    shown, told = capsys.readouterr()
    assert "entry script  generated: run() has an input schema" in shown
    assert f"model         ridge 1: scikit-learn {sklearn_version}" in shown
    note = "its file does not say what it takes: any list is accepted. State it in inputs."
    assert f"Hint[configuration]: --model ridge=model.pkl: {note}" in " ".join(told.split())
    assert run(["check", "--json", *FLAGS]) == 0
    assert [(problem["what"], problem["level"]) for problem in json.loads(capsys.readouterr().out)["problems"]] == [
        (note, "hint")
    ]
