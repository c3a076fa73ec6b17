from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hatch_mlpackage.azureml.core import Environment, Model
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.model import InferenceConfig
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.verify import verify_context

from .entry_scripts import ECHO


@pytest.fixture
def model(ws):
    Path("word.txt").write_text("one")
    return Model.register(ws, "word.txt", "words")


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    """Give a function that puts an engine on an otherwise empty PATH; it prints its arguments and runs `then`.

    When it is asked whether it works, it answers that it does.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", os.fspath(programs))

    def place(name, then="exit 0"):
        program = programs / name
        program.write_text(f'#!/bin/sh\ntest "$*" = "ps --quiet" && exit 0\necho "{name} $@"\n{then}\n')
        program.chmod(0o755)

    return place


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_inputs_are_the_same_bytes(ws, echo, model):
    """Two packages of the same inputs have the same context, and the second one uses no network."""
    first = Model.package(ws, [model], echo, generate_dockerfile=True)
    code = (
        "import socket\n"
        "def refused(*_): raise OSError('no network here')\n"
        "socket.socket.connect = socket.getaddrinfo = refused\n"
        "from hatch_mlpackage.azureml import *\n"
        "ws = Workspace.get('my-workspace')\n"
        "made = Environment('bare')\n"
        "made.python.conda_dependencies = CondaDependencies.create(python_version='3.11')\n"
        "package = Model.package(ws, ['words:1'], InferenceConfig('score.py', environment=made), True)\n"
        "package.wait_for_creation(show_output=True)\npackage.save('second')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    first.wait_for_creation()
    first.save("first")

    assert done.returncode == 0, done.stderr
    assert "Using the locks in " in done.stdout
    assert tree(Path("first")) == tree(Path("second"))
    assert first.serialize() == {"generateDockerfile": True, "state": "Succeeded", "location": first.location}
    assert Path(first.location).is_dir()
    assert first.package_build_log_uri.startswith("file://")
    assert first.get_logs(decode=False, offset=5) == first.get_logs().encode()[5:]


def test_save_over_an_earlier_one(ws, echo, model):
    """Saving over an earlier package removes its unchanged stale files, and keeps changed and other files."""
    Model.package(ws, [model, Model.register(ws, "word.txt", "more")], echo, generate_dockerfile=True).save("out")
    Path("out/notes.txt").write_text("mine")
    Path("out/azureml-models/words/1/word.txt").write_text("changed by hand")

    Model.package(ws, [Model.register(ws, "word.txt", "more")], echo, generate_dockerfile=True).save("out")

    assert verify_context(Path("out")) == ("azureml-models/words/1/word.txt: added", "notes.txt: added")
    assert not Path("out/azureml-models/more/1").exists()
    assert Path("out/azureml-models/more/2/word.txt").read_text() == "one"


def test_save_does_not_leave_its_folder(ws, echo, model, tmp_path):
    """Saving refuses a link that leads out of the folder, and writes nothing there."""
    package = Model.package(ws, [model], echo, generate_dockerfile=True)
    (tmp_path / "elsewhere").mkdir()
    Path("out").mkdir()
    Path("out/azureml-app").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(WebserviceException, match=r"out/azureml-app: leads outside of out"):
        package.save("out")

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_wrong_way_to_get_it(ws, echo, recorder):
    """Pulling a context and saving an image are refused in the original's words."""
    recorder("docker")
    Path("file").write_text("")
    context = Model.package(ws, [], echo, generate_dockerfile=True)
    image = Model.package(ws, [], echo)

    for call, said in (
        (context.pull, "A Dockerfile package cannot be pulled. Use save() instead."),
        (lambda: image.save("out"), "Docker images cannot be saved to a local directory. Use pull() instead."),
        (lambda: context.save("file"), "Error, output path is not a directory: file"),
    ):
        with pytest.raises(WebserviceException) as error:
            call()
        assert error.value.message == said


def test_an_image(ws, echo, recorder, capfd):
    """Without `generate_dockerfile` the engine builds the image, and its output goes to the package's log."""
    recorder("docker")

    package = Model.package(ws, [], echo, image_name="registry.example.com/team/words", image_label="3")
    package.wait_for_creation(show_output=True)
    built = capfd.readouterr().out
    package.pull()

    assert package.location == "registry.example.com/team/words:3"
    building = f"docker build --tag {package.location} "
    context = next(line for line in package.get_logs().splitlines() if line.startswith(building)).removeprefix(building)
    assert built.endswith(f"{package.get_logs()}Package creation Succeeded\n")
    assert capfd.readouterr().out == f"$ docker pull {package.location}\ndocker pull {package.location}\n"
    assert package.get_container_registry().address == "registry.example.com"
    assert read_manifest(Path(context)).about["image"]["name"].startswith("package:")


def test_an_image_without_a_registry(ws, echo, recorder, capsys):
    """An image without a registry gets the original's default name, and pulling it does nothing."""
    recorder("podman")
    package = Model.package(ws, [], echo)
    capsys.readouterr()

    package.pull()

    assert package.location.rpartition(":")[0] == "package"
    assert package.location.rpartition(":")[2].isdecimal()
    assert capsys.readouterr().out == f"Image {package.location} is on this machine already: it was built here.\n"


@pytest.mark.parametrize("engine", ["", "docker"])
def test_a_package_that_cannot_be_made(ws, echo, recorder, engine):
    """A package that cannot be made has the state `Failed`, and waiting for it raises the reason."""
    if engine:
        recorder(engine, then="exit 3")

    package = Model.package(ws, [], echo)

    reason = "docker build ended with status 3; package.get_logs() returns its output."
    assert package.state == "Failed"
    with pytest.raises(WebserviceException) as error:
        package.wait_for_creation()
    head = "Package creation reached non-successful terminal state.\nState: Failed\nError:\n"
    assert error.value.message.startswith(head + (reason if engine else "no container engine found on PATH"))
    assert error.value.message.strip().endswith(package.get_logs().splitlines()[-1])
    with pytest.raises(WebserviceException, match="non-successful terminal state"):
        package.pull()


def test_the_login_stays_in_memory(ws, folder, recorder):
    """A registry's login is given back to the program that set it, and is written nowhere."""
    recorder("docker")
    Path("score.py").write_text(ECHO)
    environment = Environment("mine")
    environment.python.conda_dependencies = None
    environment.docker.base_image = "python:3.11-slim"
    registry = environment.docker.base_image_registry
    registry.address, registry.username, registry.password = "localhost:1", "me", "hunter2"
    package = Model.package(ws, [], InferenceConfig("score.py", environment=environment), generate_dockerfile=True)
    package.wait_for_creation()
    package.save("out")

    found = package.get_container_registry()

    assert (found.address, found.username, found.password) == ("localhost:1", "me", "hunter2")
    assert "FROM localhost:1/python:3.11-slim" in Path("out/Dockerfile").read_text()
    everything = {**tree(folder), **tree(ws.folder)}
    assert [path for path, content in everything.items() if b"hunter2" in content] == []


def test_source_directories(ws, bare):
    """A source directory goes along under its own name, also when the workspace lies inside it."""
    Path("project").mkdir()
    Path("project/score.py").write_text(ECHO)
    Path("project/beside.txt").write_text("x")
    own = type(ws).get("own", folder="project/work [1] space")
    inference = InferenceConfig("score.py", source_directory="project", environment=bare)

    package = Model.package(own, [], inference, generate_dockerfile=True)
    package.save("out")

    app = sorted(path for path in tree(Path("out")) if path.startswith("azureml-app"))
    assert app == ["azureml-app/project/beside.txt", "azureml-app/project/score.py"]


def test_paths_are_registered(ws, echo):
    """A path among the models is registered under its file's name, and the older conda file argument works."""
    Path("weights.bin").write_text("x")
    Path("conda.yml").write_text("dependencies:\n  - python=3.11\n")

    inference = InferenceConfig("score.py", "python", "conda.yml")
    package = Model.package(ws, ["./weights.bin"], inference, generate_dockerfile=True)
    package.save("out")

    assert [model.id for model in Model.list(ws)] == ["weights.bin:1"]
    assert Path("out/azureml-models/weights.bin/1/weights.bin").exists()
    assert "EXAMPLE_ENV_VAR" not in Path("out/Dockerfile").read_text()


def test_own_lines_of_a_dockerfile(ws, folder):
    """A base Dockerfile becomes a stage of its own, and extra steps stand in the image's Dockerfile."""
    Path("score.py").write_text(ECHO)
    Path("steps").write_text("RUN echo an extra step\n")
    environment = Environment.from_dockerfile("mine", "FROM python:3.12-slim-bookworm\nRUN echo a base\n")
    environment.python.user_managed_dependencies = False
    environment.python.conda_dependencies = None

    for inference in (
        InferenceConfig("score.py", environment=environment),
        InferenceConfig("score.py", extra_docker_file_steps="steps"),
    ):
        Model.package(ws, [], inference, generate_dockerfile=True).save(f"out{inference.extra_docker_file_steps}")

    assert "RUN echo a base\n" in Path("outNone/Dockerfile").read_text()
    assert "RUN echo an extra step\n" in Path("outsteps/Dockerfile").read_text()


def test_a_python_that_is_not_served(ws):
    """An environment whose Python runs no worker is refused with the call that replaces it; another one is packaged."""
    Path("score.py").write_text(ECHO)
    environment = Environment("old")
    environment.python.conda_dependencies = CondaDependencies.create(python_version="3.5.2")
    inference = InferenceConfig("score.py", environment=environment)

    with pytest.raises(UserErrorException) as refused:
        Model.package(ws, [], inference, generate_dockerfile=True)
    environment.python.conda_dependencies.set_python_version("3.8")
    Model.package(ws, [], inference, generate_dockerfile=True).save("out")

    assert str(refused.value) == (
        "environment.python.condaDependencies (python): python=3.5.2 is not served, only 3.6 to 3.14: replace it with "
        'environment.python.conda_dependencies.set_python_version("3.6"); a pickled model may not load or may answer '
        "otherwise there, so compare its answers or train it again."
    )
    assert "FROM python:3.8-slim" in Path("out/Dockerfile").read_text()


def test_an_old_python(ws, caplog):
    """An environment with Python 3.6 is packaged with it, and with a server of its own Python; a warning says so."""
    Path("score.py").write_text(ECHO)
    environment = Environment("old")
    environment.python.conda_dependencies = CondaDependencies.create(python_version="3.6.2")
    inference = InferenceConfig("score.py", environment=environment)

    Model.package(ws, [], inference, generate_dockerfile=True).save("out")

    assert re.findall(r"(?m)^FROM (\S+-slim-\w+)", Path("out/Dockerfile").read_text()) == [
        "python:3.13-slim-bullseye",
        "python:3.6-slim-bullseye",
    ]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        ("Python 3.6 had its last updates on 2021-12-23: only the model runs on it, and the server on a newer one.")
    ]


def test_an_image_with_its_own_packages(ws, caplog):
    """An image with its own packages gets no others, and the environment says which Python it has."""
    Path("score.py").write_text(ECHO)
    environment = Environment.from_docker_image("mine", "team/own:1")
    environment.docker.base_image_registry.address = "localhost:1"
    environment.python.conda_dependencies.set_python_version("3.11")

    inference = InferenceConfig("score.py", environment=environment)
    Model.package(ws, [], inference, generate_dockerfile=True).save("out")

    assert "FROM localhost:1/team/own:1" in Path("out/Dockerfile").read_text()
    assert not Path("out/environment").exists()
    assert any("expected to have Python 3.11" in record.message for record in caplog.records)


def test_a_killed_program_leaves_nothing_for_long(ws, echo):
    """A program removes its package's folder when it ends, and the next package removes a killed program's."""
    code = (
        "import os, signal\nfrom hatch_mlpackage.azureml import *\n"
        "made = Environment('bare')\n"
        "made.python.conda_dependencies = CondaDependencies.create(python_version='3.11')\n"
        "ws, inference = Workspace.get('my-workspace'), InferenceConfig('score.py', environment=made)\n"
        "package = Model.package(ws, [], inference, generate_dockerfile=True)\n"
        "os.kill(os.getpid(), signal.SIG{})"
    )
    packages = ws.folder / "packages"
    left = []
    for name in ("CONT", "KILL"):  # the first one ends by itself
        subprocess.run([sys.executable, "-c", code.format(name)], check=False, stdout=subprocess.DEVNULL)
        left.append(len([path for path in packages.iterdir() if path.is_dir()]))

    package = Model.package(ws, [], echo, generate_dockerfile=True)

    assert left == [0, 1]
    of_package = Path(urlsplit(package.package_build_log_uri).path).parent
    assert [path for path in packages.iterdir() if path.is_dir()] == [of_package]


def test_what_is_wrong_is_raised(ws, echo):
    """Wrong input raises an error from the call, and leaves nothing in the workspace."""
    echo.environment.environment_variables = {"not a name": "x"}

    with pytest.raises(UserErrorException, match=r"environment-variables\.not a name"):
        Model.package(ws, [], echo, generate_dockerfile=True)
    echo.environment.environment_variables = {}
    echo.environment.docker.base_image = "own image:1"
    with pytest.raises(UserErrorException, match="holds spaces"):
        Model.package(ws, [], echo, generate_dockerfile=True)

    assert [path.name for path in (ws.folder / "packages").iterdir()] == [".lock"]
