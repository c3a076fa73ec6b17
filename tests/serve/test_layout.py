from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import Ridge

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.image_values import server_environment
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.errors import ContextError, MLPackageError
from hatch_mlpackage.files.resources import runtime_directory
from hatch_mlpackage.project.pyproject import load_project
from hatch_mlpackage.serve.layout import (
    Serving,
    serve_context,
    serve_project,
    serve_script,
    server_command,
    worker_python,
)


@pytest.fixture
def top(tmp_path):
    (tmp_path / "top").mkdir()
    return tmp_path / "top"


def test_a_context_without_its_models(copy_project, tmp_path, top):
    """A context without its models is not served, and the error says to serve the project instead."""
    build_context(load_project(copy_project("named-models")), tmp_path / "context")

    with pytest.raises(ContextError, match=r"holds no models .* Serve the project instead: mlpackage serve"):
        serve_context(tmp_path / "context", top)


def files(top: Path) -> dict[str, bytes]:
    """Return the files of everything except the runtime, none of which is a link."""
    assert not [path for path in top.rglob("*") if path.is_symlink()]
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and path.parts[len(top.parts)] != "runtime"
    }


def test_project(project, top):
    """A project is served from copies of its files, with the image's layout and variables."""
    serving = serve_project(load_project(project), top)

    assert files(top) == {
        "azureml-app/score.py": (project / "score.py").read_bytes(),
        "azureml-app/azureml-models/greeting/1/greeting.txt": (project / "models/greeting.txt").read_bytes(),
    }
    assert (top / "runtime/__main__.py").is_file()
    assert serving == Serving(
        runtime=top / "runtime",
        folder=top / "azureml-app",
        environment={
            "AML_APP_ROOT": f"{top}/azureml-app",
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": f"{top}/azureml-app/azureml-models/greeting/1",
            "WORKER_COUNT": "1",
        },
        sample_folder=project,
        own_folder=project,
        watched=(project / "pyproject.toml", project / "score.py", project / "models/greeting.txt"),
        locked=serving.locked,
        requirements=("idna>=3.7",),
    )
    assert (serving.locked.python, [str(pin) for pin in serving.locked.pins]) == ("3.12", ["idna 3.20"])


def test_context(project, top):
    """A context is served from copies of its files, and nothing is written into it."""
    build_context(load_project(project), project / "context")

    serving = serve_context(Path("context"), top)

    assert files(top) == {
        "azureml-app/score.py": (project / "score.py").read_bytes(),
        "azureml-app/azureml-models/greeting/1/greeting.txt": (project / "models/greeting.txt").read_bytes(),
    }
    assert (top / "runtime/__main__.py").read_bytes() == (project / "context/runtime/__main__.py").read_bytes()
    assert (serving.sample_folder, serving.own_folder) == (project / "context/azureml-app",) * 2
    by_project = serve_project(load_project(project), top / "other")
    assert serving.environment == by_project.environment | {
        "AML_APP_ROOT": f"{top}/azureml-app",
        "AZUREML_MODEL_DIR": f"{top}/azureml-app/azureml-models/greeting/1",
    }
    assert serving.locked == replace(by_project.locked, path=project / "context/environment/requirements.txt")


def test_what_is_served_is_nobody_elses(project, top):
    """What a script writes into the layout changes neither the project nor the context."""
    build_context(load_project(project), project / "context")
    serve_context(Path("context"), top)
    serve_project(load_project(project), top / "other")

    for path in [path for path in top.rglob("*") if path.is_file()]:
        path.write_text("changed")

    assert verify_context(project / "context") == ()
    assert (project / "models/greeting.txt").read_text() == "Hello\n"


def test_the_sample_of_a_context_without_a_script(tmp_path, top, made_up_lock):
    """Where the entry script was generated, the sample request lies in the context itself."""
    joblib.dump(Ridge().fit([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]), tmp_path / "ridge.joblib")
    model = '[[tool.mlpackage.models]]\nname = "r"\npath = "ridge.joblib"\nframework = "sklearn"\nallow-pickle = true\n'
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "r"\nversion = "1"\n{model}')
    package = inspect_project(load_project(tmp_path))
    package.lock_path.parent.mkdir()
    package.lock_path.write_text(made_up_lock(package.requirements, package.config.target))
    build_context(package.project, tmp_path / "context")

    serving = serve_context(tmp_path / "context", top)

    assert serving.sample_folder == tmp_path / "context"
    assert (serving.sample_folder / "request.json").is_file()


def test_the_variables_are_those_of_the_manifest(copy_project, tmp_path, top):
    """A context is served with the variables of its manifest and the paths of its layout."""
    project = load_project(copy_project("two-models"))
    manifest = build_context(project, tmp_path / "context")

    expected = dict(server_environment(inspect_project(project)))
    assert manifest.about["image"]["environment"] == expected
    del expected["MLPACKAGE_WORKER_PYTHON"]
    assert serve_context(tmp_path / "context", top).environment == expected | {
        "AML_APP_ROOT": f"{top}/azureml-app",
        "AZUREML_MODEL_DIR": f"{top}/azureml-app/azureml-models",
    }


def test_the_variables_of_a_base_dockerfile_are_the_images_alone(copy_project, tmp_path, top):
    """Variables of the user's own Dockerfile, such as PATH, never apply on this machine."""
    root = copy_project("base-dockerfile")
    with (root / "docker/base.Dockerfile").open("a", encoding="utf-8") as dockerfile:
        dockerfile.write('ENV PATH="/opt/tools:$PATH"\n')
    build_context(load_project(root), tmp_path / "context")

    assert 'ENV PATH="/opt/tools:$PATH"' in (tmp_path / "context/Dockerfile").read_text(encoding="utf-8")
    assert serve_context(tmp_path / "context", top).environment == {
        "AML_APP_ROOT": f"{top}/azureml-app",
        "AZUREML_ENTRY_SCRIPT": "score.py",
        "WORKER_COUNT": "1",
    }


@pytest.mark.parametrize("environment", [None, [], {"WORKER_COUNT": 1}])
def test_a_context_of_an_earlier_version(project, top, environment):
    """A context whose manifest lists no variables is refused with the next step."""
    build_context(load_project(project), project / "context")
    path = project / "context/manifest.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["image"]["environment"] = environment
    if environment is None:
        del values["image"]["environment"]
    path.write_text(json.dumps(values), encoding="utf-8")

    with pytest.raises(ContextError) as caught:
        serve_context(Path("context"), top)

    assert str(caught.value) == (
        "context: its manifest does not list the variables of the image; an earlier version of mlpackage made it. "
        "Make the context again: mlpackage generate"
    )


def test_script(project, tmp_path):
    """A bare script is served in place, and the current folder is the app root."""
    assert serve_script(Path("score.py"), Path("models"), sys.executable) == Serving(
        runtime=runtime_directory(),
        folder=project,
        environment={"AML_APP_ROOT": str(project)},
        flags=("--entry-script", "score.py", "--model-dir", f"{project}/models"),
        sample_folder=Path(),
        watched=(project,),
    )
    assert serve_script(Path("score.py"), None, sys.executable).flags == ("--entry-script", "score.py")


def test_server_command(project):
    """The server runs in our interpreter, which ignores the environment's and the folder's modules."""
    serving = serve_script(Path("score.py"), None, sys.executable)

    assert server_command(serving, ("--port", "8080")) == (
        *(sys.executable, "-E", "-P", str(runtime_directory()), "serve"),
        *("--entry-script", "score.py", "--port", "8080"),
    )


def test_server_command_without_the_extra(project, monkeypatch):
    """Without the server's packages, the error says how to install them."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    with pytest.raises(MLPackageError) as caught:
        server_command(serve_script(Path("score.py"), None, sys.executable), ())

    assert str(caught.value) == (
        "uvicorn: not installed here, and the server needs it. "
        f'Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"'
    )


@pytest.mark.parametrize(
    ("made", "environ", "found"),
    [
        (["active", "project/.venv"], {"VIRTUAL_ENV": "active"}, "project/.venv/bin/python"),
        (["active"], {"VIRTUAL_ENV": "active"}, "active/bin/python"),
        (["conda"], {"CONDA_PREFIX": "conda"}, "conda/bin/python"),
        (["project/.venv"], {"VIRTUAL_ENV": "gone"}, "project/.venv/bin/python"),
    ],
)
def test_worker_python(tmp_path, made, environ, found):
    """The project's `.venv` comes first, for the active environment may be that of another project."""
    for folder in made:
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin/python").touch()
    absolute = {name: str(tmp_path / value) for name, value in environ.items()}

    assert worker_python(tmp_path / "project", absolute) == str(tmp_path / found)


def test_worker_python_without_an_environment(tmp_path):
    """Without an environment the worker uses our interpreter."""
    assert worker_python(tmp_path, {}) == sys.executable


def test_a_changed_context(project, top):
    """A context that was changed is not served: the error says what differs, and what to do instead."""
    build_context(load_project(project), project / "context")
    (project / "context/azureml-app/score.py").write_text("def init(): pass\n")
    (project / "context/runtime").chmod(0o777)

    with pytest.raises(ContextError) as caught:
        serve_context(Path("context"), top)

    assert str(caught.value) == (
        "context: was changed after it was written:\n"
        "azureml-app/score.py: 17 bytes, expected 209\n"
        "runtime/: mode 0777, expected 0755\n"
        "Move it away and make it again: mlpackage generate. "
        "To serve files that you edit, serve the project: mlpackage serve --reload"
    )
    assert list(top.iterdir()) == []
