"""Package models without an entry script: the refusals, the generated files and the lock."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn import __version__ as sklearn_version
from sklearn.linear_model import Ridge

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.image_values import server_environment
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.errors import ConfigurationError, LockError
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.pyproject import Project

K = "tool.mlpackage.models[0]"
ROWS = np.arange(20.0).reshape(10, 2)


def test_text_that_is_not_a_version(project_of):
    """Text in a model's file that is not a version does not become a requirement."""

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
    """A pickle is refused until `allow-pickle` is set; the error names the risk and the alternative."""
    project = project_of(save_ridge)

    (said,) = refusal(project)
    assert said == (
        f"{K}.allow-pickle: 'model.pkl' is refused without your consent: it is a pickle, which is a program "
        'that runs when it is loaded. Save it without code: skops.io.dump(model, "model.skops"), with framework = '
        '"skops"; or as ONNX. Or, if you trust where it comes from, say so: allow-pickle = true, or --allow-pickle.'
    )
    with pytest.raises(ConfigurationError, match="allow-pickle"):
        inspect_requirements(project)  # locking refuses it too


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_model_runs(project_of, tmp_path):
    """Reading the facts of an allowed pickle runs none of its code."""

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
    """The error says why a file is not a model of the declared framework, and what to do."""
    assert said in refusal(project_of(save, framework))


def test_a_context(project_of, tmp_path, made_up_lock):
    """A context holds the generated script where the server looks for it, and a sample request."""
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
    lock = made_up_lock(package.requirements, package.config.target)
    (tmp_path / "locks").mkdir()
    package.lock_path.write_text(lock)
    build_context(project, tmp_path / "context")
    assert (tmp_path / "context/azureml-app/score.py").read_text() == package.no_code.script
    assert json.loads((tmp_path / "context/request.json").read_text()) == {"data": [[0.0, 0.0]]}
    assert "--data @request.json" in (tmp_path / "context/README.md").read_text()
    assert server_environment(package)["AZUREML_ENTRY_SCRIPT"] == "score.py"


def test_a_new_version_makes_the_lock_stale(project_of):
    """A model retrained with another version of scikit-learn makes the lock stale."""
    project = project_of(save_ridge, **{"allow-pickle": True, "framework-version": "0.1"})

    assert "scikit-learn==0.1" in inspect_requirements(project).requirements.requirements


@pytest.mark.network
def test_by_url(tmp_path, monkeypatch, plain_web):
    """Locking fetches a model with a URL before it reads it, and locks the framework's version at once."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    save_ridge(tmp_path / "ridge.joblib")
    root = tmp_path / "project"
    root.mkdir()
    declared = {
        "name": "ridge",
        "path": f"{plain_web.url}/ridge.joblib",
        "sha256": hashlib.sha256((tmp_path / "ridge.joblib").read_bytes()).hexdigest(),
        "framework": "sklearn",
        "allow-pickle": True,
    }
    plain_web.put("/ridge.joblib", (tmp_path / "ridge.joblib").read_bytes())
    table = {"pin-base-image": False, "models": [declared], "private-hosts": ["127.0.0.1"]}
    project = Project(root=root, name="ridge", version="1", table=table)

    lock_project(project, report=lambda _: None)
    build_context(project, tmp_path / "context")

    assert f"scikit-learn=={sklearn_version} " in (root / "locks/requirements.txt").read_text()
    assert 'MODEL_FILE = "ridge.joblib"' in (tmp_path / "context/azureml-app/score.py").read_text()
    assert (tmp_path / "context/azureml-models/ridge/1/ridge.joblib").is_file()


def test_by_url_before_it_is_fetched(tmp_path, monkeypatch):
    """A model with a URL that was not fetched yet is a problem that names `mlpackage lock`."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    declared = {"name": "ridge", "path": "https://models.example/ridge.skops", "framework": "skops"}
    project = Project(root=tmp_path, name="ridge", version="1", table={"models": [declared]})

    assert refusal(project) == [
        f"{K}.path: https://models.example/ridge.skops is not locked. Run `mlpackage lock`, which fetches it."
    ]
