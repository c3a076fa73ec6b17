"""Build images of projects that use Azure ML's own configuration files in place."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .builders import Docker
from .container import container
from .projects import generate, mlpackage

if TYPE_CHECKING:
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

VARIABLES = {
    "GREETING": "good morning!!!",
    "DOLLARS": "$HOME ${PATH} $$ \\$x",
    "QUOTES": "'one' \"two\" `three`",
    "BACKSLASHES": 'C:\\dir\\ \\"quoted\\" \\n\\',
    "SPACES": "  two  spaces # no comment\t",
    "EMPTY": "",
    "UNICODE": "Grüße, 世界",
}
SCRIPT = """\
import json
import os
import time
from pathlib import Path


def init():
    pass


def run(data):
    asked = json.loads(data)
    time.sleep(asked["seconds"])
    models = Path(os.environ["AZUREML_MODEL_DIR"])
    return {
        "models": {str(path.relative_to(models)): path.read_text() for path in models.rglob("*") if path.is_file()},
        "variables": {name: os.environ.get(name) for name in asked["variables"]},
        "cwd": os.getcwd(),
        "steps": Path("/etc/steps").read_text() if Path("/etc/steps").exists() else None,
    }
"""
DRIVER = """\
import score as driver_module

ready = []


def init():
    driver_module.init()
    ready.append("outer")


def run(http_body, request_headers):
    return driver_module.run(http_body)
"""
TABLE = """\
[project]
name = "imported"
version = "1.0"

[tool.mlpackage]
inference-config = "inferenceconfig.json"
deployment-config = "deploymentconfig.json"
python-version = "3.11"
pin-base-image = false  # the tests make an image of that name
"""
MODEL = '\n[[tool.mlpackage.models]]\nname = "{name}"\nversion = "{version}"\npath = "{path}"\n'
LIMITS = {"computeType": "aks", "maxConcurrentRequestsPerContainer": 1, "maxQueueWaitMs": 200}


@pytest.fixture
def build(engine: Engine, tmp_path: Path) -> Callable[..., str]:
    """Give a function that writes a project, builds its context and its image, and returns the image's name."""

    def built(name: str, files: dict[str, str], *models: tuple[str, str, str]) -> str:
        declared = "".join(MODEL.format(name=name, version=version, path=path) for name, version, path in models)
        for path, text in {"pyproject.toml": TABLE + declared, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        mlpackage(tmp_path, "lock")
        Docker(engine=engine, buildkit=False).build(generate(tmp_path, tmp_path / "context"), f"imported:{name}")
        return f"imported:{name}"

    return built


def test_everything_that_the_files_can_say(engine: Engine, build: Callable[..., str]) -> None:
    """The image has a source tree, two models and any variable; a full queue answers 503."""
    inference = {
        "entryScript": "words/score.py",
        "sourceDirectory": "src",
        "environment": {"name": "env", "environmentVariables": VARIABLES},
    }
    files = {
        "inferenceconfig.json": json.dumps(inference),
        "deploymentconfig.json": json.dumps(LIMITS),
        "src/words/score.py": SCRIPT,
        "models/a.txt": "a",
        "models/folder/deep/b.txt": "b",
    }
    tag = build("whole", files, ("one", "3", "models/a.txt"), ("two", "10", "models/folder"))
    with container(engine, tag) as running:
        running.wait_until_ready()
        assert running.score({"seconds": 0, "variables": list(VARIABLES)}) == {
            "models": {"one/3/a.txt": "a", "two/10/folder/deep/b.txt": "b"},
            "variables": VARIABLES,
            "cwd": "/var/azureml-app",
            "steps": None,
        }
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(running.score, {"seconds": 2, "variables": []})
            time.sleep(0.5)
            with pytest.raises(urllib.error.HTTPError) as refused:
                running.score({"seconds": 0, "variables": []})
            refused.value.close()
            assert (refused.value.code, slow.result()["variables"]) == (503, {})


def test_a_driver_and_extra_steps(engine: Engine, build: Callable[..., str]) -> None:
    """A script in the original's wrapper serves here; extra steps run as root, and the container does not."""
    inference = {"entryScript": "main.py", "sourceDirectory": "app", "extraDockerfileSteps": "../steps"}
    files = {
        "inferenceconfig.json": json.dumps(inference),
        "deploymentconfig.json": '{"computeType": "local", "port": 8890}',
        "app/main.py": DRIVER,
        "app/score.py": SCRIPT,
        "steps": 'RUN id -un >/etc/steps\nUSER 4242\nSHELL ["/bin/bash", "-c"]\nENV FROM_STEPS=yes\n',
        "model.txt": "m",
    }
    tag = build("driver", files, ("m", "1", "model.txt"))
    assert json.loads(engine.run("image", "inspect", "--format", "{{json .Config.User}}", tag)) == "1000:0"
    with container(engine, tag) as running:
        running.wait_until_ready()
        assert running.score({"seconds": 0, "variables": ["FROM_STEPS"]}) == {
            "models": {"model.txt": "m"},
            "variables": {"FROM_STEPS": "yes"},
            "cwd": "/var/azureml-app",
            "steps": "root\n",
        }
