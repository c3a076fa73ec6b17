"""Package models of scikit-learn's past with the Pythons of their time, and score with them behind a current server."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .builders import Docker
from .container import container
from .engine import run
from .old_pythons import SERVER_PYTHON, interpreter, make_images
from .projects import generate, mlpackage

if TYPE_CHECKING:
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

PYPROJECT = """\
[project]
name = "ridge"
version = "1.0"
dependencies = [{requirements}]

[tool.mlpackage]
entry-script = "score.py"
python-version = "{python}"
build-from-source = ["wrapt"]
wheelhouse = {wheelhouse}
models = [{{ name = "sklearn_mnist", path = "sklearn_mnist_model.pkl" }}]
"""
# The entry script of Azure ML's documentation: its names, its schema and its way to load a model.
SCRIPT = """\
import os
import sys

import numpy as np
{import_joblib}
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_mnist_model.pkl"))
    print("The model runs on Python", sys.version.split()[0])


@input_schema("data", NumpyParameterType(np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])))
@output_schema(NumpyParameterType(np.array([3726.995])))
def run(data):
    return model.predict(data).tolist()
"""
TRAIN = """\
import json
import numpy as np
{import_joblib}
from sklearn.linear_model import Ridge

rows = np.arange(200.0).reshape(20, 10) % 17
model = Ridge(alpha=0.5).fit(rows, rows @ np.arange(10.0) + 3)
joblib.dump(model, "sklearn_mnist_model.pkl")
print(json.dumps(model.predict(np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])).tolist()))
"""
REQUEST = {"data": [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """Hold a Python with a release of scikit-learn, of inference-schema and of pip from its time.

    With a `wheelhouse`, the image is built without a network.
    """

    python: str
    sklearn: str
    schema: str
    pip: str
    import_joblib: str
    wheelhouse: bool


PASTS = (
    Past(
        python="3.6",
        sklearn="0.20.0",
        schema="1.0.2",
        pip="21.3.1",
        import_joblib="from sklearn.externals import joblib",
        wheelhouse=False,
    ),
    Past(python="3.7", sklearn="0.24.2", schema="1.4.2.1", pip="24.0", import_joblib="import joblib", wheelhouse=True),
)


@pytest.fixture(scope="module")
def old_engine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    make_images(engine, tmp_path_factory.mktemp("old-pythons"))
    return engine


def _train(past: Past, project: Path, folder: Path) -> list[float]:
    """Train with the locked packages on the Python of the past, and return the model's own predictions."""
    python = folder / "bin/python"
    run([str(interpreter(past.python) / "bin/python"), "-m", "venv", str(folder)])
    lock = (project / "locks/requirements.txt").read_text()
    pins = re.findall(r"(?m)^((?:joblib|numpy|scikit-learn|scipy|threadpoolctl)==\S+)", lock)
    run([str(python), "-m", "pip", "install", "--quiet", f"pip=={past.pip}"])
    run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *pins])
    (folder / "train.py").write_text(TRAIN.format(import_joblib=past.import_joblib))
    said = run(["sh", "-c", f"cd {project} && {python} -W ignore {folder / 'train.py'}"])
    return json.loads(said.splitlines()[0])  # warnings of those years follow


@pytest.mark.parametrize("past", PASTS, ids=[past.python for past in PASTS])
def test_a_model_keeps_its_python(old_engine: Engine, tmp_path: Path, past: Past) -> None:
    """A model of 2018 or 2021 scores with its own packages on its own Python, behind a server on a current one."""
    project = tmp_path / "project"
    project.mkdir()
    named = (f"scikit-learn=={past.sklearn}", "joblib", f"inference-schema[numpy-support]=={past.schema}")
    requirements, wheelhouse = ", ".join(f'"{one}"' for one in named), str(past.wheelhouse).lower()
    table = PYPROJECT.format(python=past.python, requirements=requirements, wheelhouse=wheelhouse)
    (project / "pyproject.toml").write_text(table)
    (project / "score.py").write_text(SCRIPT.format(import_joblib=past.import_joblib))
    mlpackage(project, "lock")
    predictions = _train(past, project, tmp_path / "environment")

    context = generate(project, tmp_path / "context")
    network = "none" if past.wheelhouse else "host"
    Docker(engine=old_engine, buildkit=False).build(context, f"ridge:{past.python}", network=network)

    with container(old_engine, f"ridge:{past.python}") as running:
        running.wait_until_ready()
        answer = running.score(REQUEST)
        swagger = json.loads(running.get("/swagger.json"))
        log = running.log()
        server = old_engine.run("exec", running.id, "/opt/mlpackage/server/bin/python", "-V").split()[1]
        size = old_engine.run("exec", running.id, "du", "-sk", "/opt/mlpackage/python").split()[0]
    assert answer == predictions
    assert swagger["definitions"]["ServiceInput"]["example"] == {"data": [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}
    assert f"The model runs on Python {past.python}." in log
    assert server.startswith(f"{SERVER_PYTHON}.")
    assert int(size) < 40_000  # kB: what the second interpreter costs


def test_a_server_that_does_not_run_in_the_base_image(old_engine: Engine, tmp_path: Path) -> None:
    """The build stops where the server's Python does not find its library in the base image, and says what to do."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "x"\nversion = "1.0"\n[tool.mlpackage]\nentry-script = "score.py"\npython-version = "3.7"\n'
        f'[tool.mlpackage.server]\nbase-image = "python:{SERVER_PYTHON}-alone"\n'
    )
    (project / "score.py").write_text("def init():\n    pass\n\n\ndef run(data):\n    return data\n")
    (tmp_path / "Dockerfile").write_text(
        # An interpreter that knows its library by the place that it has here.
        f"FROM python:{SERVER_PYTHON}-slim-bookworm\n"
        "RUN mkdir /elsewhere && cp /usr/local/lib/libpython* /elsewhere/ \\\n"
        " && echo /elsewhere >/etc/ld.so.conf.d/elsewhere.conf && rm /usr/local/lib/libpython* && ldconfig\n"
    )
    old_engine.run("build", "--tag", f"python:{SERVER_PYTHON}-alone", tmp_path, environment={"DOCKER_BUILDKIT": "0"})
    mlpackage(project, "lock")
    context = generate(project, tmp_path / "context")

    with pytest.raises(Exception, match="returned non-zero exit status") as failed:
        Docker(engine=old_engine, buildkit=False).build(context, "x:1.0")

    said = "".join(failed.value.__notes__)
    assert "mlpackage: the server's Python does not run in the base image: name an image with the same system" in said
