"""Package, build and run with Azure ML's Python API and a real engine, as the last blocks of its documentation do."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from hatch_mlpackage.azureml.core import Environment, Model, Workspace
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.model import InferenceConfig
from hatch_mlpackage.azureml.core.webservice import LocalWebservice

from .container import container, free_port
from .engine import DOCKER, Engine

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.model import ModelPackage

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

SCORE = Path(__file__).parents[1] / "projects/diabetes/src/score.py"
ROWS = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]


@pytest.fixture(autouse=True)
def docker(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests' engine the one on PATH; its builds use the host's network, because it has none of its own."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(
        f'#!/bin/sh\nverb="$1"; shift\n[ "$verb" = build ] && verb="build --network host"\nexec {DOCKER} $verb "$@"\n'
    )
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    monkeypatch.setenv("MLPACKAGE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def inputs() -> tuple[Workspace, Model, InferenceConfig, list[float]]:
    """Give a workspace with a trained model, its entry script and environment, and its predictions."""
    data = load_diabetes()
    trained = Ridge().fit(data.data, data.target)
    joblib.dump(trained, "ridge.pkl")
    shutil.copy(SCORE, "score.py")
    ws = Workspace.create("containers")
    environment = Environment("with-sklearn")
    environment.python.conda_dependencies = CondaDependencies.create(
        python_version="3.11", pip_packages=["inference-schema[numpy-support]", "joblib", "scikit-learn"]
    )
    model = Model.register(ws, "ridge.pkl", "ridge")
    return ws, model, InferenceConfig("score.py", environment=environment), trained.predict(ROWS).tolist()


def made(package: ModelPackage) -> ModelPackage:
    package.wait_for_creation(show_output=True)
    return package


def test_packages_and_services(
    engine: Engine, inputs: tuple[Workspace, Model, InferenceConfig, list[float]], close_to
) -> None:
    """The saved context, the built image and a local service in a container score as the model does."""
    ws, model, inference, predictions = inputs
    package = made(Model.package(ws, [model], inference, generate_dockerfile=True))
    package.save("./imagefiles")
    engine.run("build", "--network", "host", "--tag", "myimage", Path("imagefiles").absolute())
    image = made(Model.package(ws, [model], inference, image_name="built", image_label="1"))
    for tag in ("myimage:latest", image.location):
        with container(engine, tag) as running:
            running.wait_until_ready()
            assert running.score({"data": ROWS}) == close_to(predictions)
            engine.run("kill", running.id)

    port = free_port()
    network = ("--network", "host", "--env", "MLPACKAGE_HOST=127.0.0.1", "--env", f"MLPACKAGE_PORT={port}")
    configuration = LocalWebservice.deploy_configuration(port, engine="docker", engine_options=network)
    service = Model.deploy(ws, "in-a-container", [model], inference, configuration)
    try:
        service.wait_for_deployment(show_output=True)
        assert service.run(json.dumps({"data": ROWS})) == close_to(predictions)
        assert engine.run("ps", "--quiet").split()
        assert "docker build" in service.get_logs()
    finally:
        service.delete()
    assert engine.run("ps", "--quiet").split() == []
