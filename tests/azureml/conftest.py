from __future__ import annotations

import contextlib
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from hatch_mlpackage.azureml.core import Environment, Workspace
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.model import InferenceConfig
from hatch_mlpackage.azureml.core.webservice import LocalWebservice

from .entry_scripts import ECHO


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into an empty folder that has a folder for the user's data beside it."""
    monkeypatch.setenv("MLPACKAGE_DATA_DIR", str(tmp_path / "data"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def ws(folder):
    """Give a workspace, and delete its services afterwards."""
    workspace = Workspace.create("my-workspace")
    yield workspace
    for service in LocalWebservice.list(workspace, all=True):
        with contextlib.suppress(Exception):
            service.delete()


@pytest.fixture(scope="session")
def ridge(tmp_path_factory):
    """Train a regression once, and return its file and the model."""
    data = load_diabetes()
    trained = Ridge(alpha=0.5).fit(data.data, data.target)
    path = tmp_path_factory.mktemp("trained") / "sklearn_mnist_model.pkl"
    joblib.dump(trained, path)
    return path, trained


@pytest.fixture
def model_file(folder, ridge):
    path = folder / "outputs" / "sklearn_mnist_model.pkl"
    path.parent.mkdir()
    path.write_bytes(ridge[0].read_bytes())
    return path


@pytest.fixture
def environment():
    """Give an environment with what the scoring scripts of these tests need."""
    made = Environment(name="myenv")
    made.python.conda_dependencies = CondaDependencies.create(
        python_version="3.11",
        pip_packages=["azureml-defaults", "inference-schema[numpy-support]", "joblib", "scikit-learn"],
    )
    return made


@pytest.fixture
def bare():
    """Give an environment that asks for nothing but Python and the server."""
    made = Environment(name="bare")
    made.python.conda_dependencies = CondaDependencies.create(python_version="3.11")
    return made


@pytest.fixture
def echo(folder, bare):
    """Give the configuration of a script that returns its request."""
    Path("score.py").write_text(ECHO)
    return InferenceConfig("score.py", environment=bare)
