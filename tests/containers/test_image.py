"""Check the behaviour of a running image."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .base_image import NAME as BASE_IMAGE
from .container import READY_SECONDS, container

if TYPE_CHECKING:
    from .builders import Image
    from .engine import Engine
    from .projects import Diabetes

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]


def test_the_image_scores_as_the_model_does(engine: Engine, image: Image, diabetes: Diabetes, close_to) -> None:
    """POST /score answers with what model.predict returns, to the last bit, and GET / says Healthy."""
    with container(engine, image.tag) as running:
        running.wait_until_ready()
        assert running.get("/") == "Healthy"
        assert running.score(diabetes.request) == close_to(diabetes.predictions)


def test_the_container_reports_healthy(engine: Engine, image: Image) -> None:
    """The image's HEALTHCHECK finds the server, and the engine reports the container as healthy."""
    with container(engine, image.tag) as running:
        deadline = time.monotonic() + READY_SECONDS
        while running.inspect("{{.State.Health.Status}}") == "starting" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert running.inspect("{{.State.Health.Status}}") == "healthy", running.inspect("{{json .State.Health}}")


def test_the_container_runs_without_rights(engine: Engine, image: Image) -> None:
    """Every process is user 1000 of group 0, and only /tmp is writable."""
    with container(engine, image.tag) as running:
        running.wait_until_ready()
        listed = engine.run("top", running.id, "-eo", "pid,uid,gid").splitlines()[1:]
        assert len(listed) >= 2  # the server and its worker
        assert {tuple(process.split()[1:]) for process in listed} == {("1000", "0")}
        with pytest.raises(subprocess.CalledProcessError):
            engine.run("exec", running.id, "touch", "/var/azureml-app/written")
        engine.run("exec", running.id, "touch", "/tmp/written")


def test_the_container_stops_when_told_to(engine: Engine, image: Image) -> None:
    """SIGTERM to process 1 ends the container long before the engine would kill it."""
    with container(engine, image.tag) as running:
        running.wait_until_ready()
        begin = time.monotonic()
        engine.run("stop", "--time", "30", running.id)
        assert time.monotonic() - begin < 10
        assert running.inspect("{{.State.ExitCode}}") == "0"


def test_the_container_exits_with_3_when_init_raises(engine: Engine, image: Image, tmp_path: Path) -> None:
    """If init() raises, the container ends with status 3, and the log has the traceback."""
    script = tmp_path / "score.py"
    script.write_text("def init():\n    raise ValueError('no such model')\n\n\ndef run(data):\n    return data\n")
    with container(engine, image.tag, "--volume", f"{script}:/var/azureml-app/src/score.py:ro") as running:
        engine.run("wait", running.id)
        assert running.inspect("{{.State.ExitCode}}") == "3"
        assert "ValueError: no such model" in running.log()


def test_the_image_says_how_it_is_run(engine: Engine, image: Image) -> None:
    """The image has the context's user, port, working folder, entry point, stop signal, labels and variables."""
    config = json.loads(engine.run("image", "inspect", "--format", "{{json .Config}}", image.tag))
    runtime = ["/opt/mlpackage/server/bin/python", "-I", "/opt/mlpackage/runtime"]
    assert config["User"] == "1000:0"
    assert list(config["ExposedPorts"]) == ["5001/tcp"]
    assert config["WorkingDir"] == "/var/azureml-app"
    assert config["StopSignal"] == "SIGTERM"
    assert (config["Entrypoint"], config["Cmd"] or []) == ([*runtime, "serve"], [])
    assert config["Healthcheck"]["Test"] == ["CMD", *runtime, "health"]
    assert config["Labels"].items() >= {"org.opencontainers.image.title": "diabetes"}.items()
    base = json.loads(engine.run("image", "inspect", "--format", "{{json .Config.Env}}", BASE_IMAGE))
    assert set(config["Env"]) - set(base) - {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} == {
        "AML_APP_ROOT=/var/azureml-app",
        "AZUREML_ENTRY_SCRIPT=src/score.py",
        "AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/ridge/1",
        "AZUREML_SOURCE_DIRECTORY=src",
        "HOME=/tmp",
        "MLPACKAGE_WORKER_PYTHON=/opt/mlpackage/environment/bin/python",
        "WORKER_COUNT=1",
    }
