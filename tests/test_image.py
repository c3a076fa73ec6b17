"""Images built from a generated context by three real builders, and run by a real engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_diabetes

from .containers.base_image import NAME as BASE_IMAGE, make_base_image
from .containers.builders import Buildah, Builder, Docker, cached_steps, import_base_image
from .containers.container import READY_SECONDS, container
from .containers.engine import Engine, EngineUnavailableError, run, start, stop

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

PROJECTS = Path(__file__).parent / "projects"
CACHE = Path(os.environ.get("MLPACKAGE_CONTAINER_CACHE") or Path(tempfile.gettempdir(), "mlpackage-containers"))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    directory = Path(tempfile.mkdtemp(prefix="mlp-", dir="/tmp"))
    try:
        running = start(directory)
        import_base_image(running, make_base_image(CACHE))
        yield running
    except EngineUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs a container engine: {error}")
        pytest.skip(str(error))
    finally:
        stop(directory)


@pytest.fixture(scope="session", params=["classic", "buildkit", "buildah"])
def builder(request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    if request.param == "buildah":
        buildah = Buildah(engine=engine, directory=tmp_path_factory.mktemp("buildah"))
        buildah.take_base_image()
        return buildah
    return Docker(engine=engine, buildkit=request.param == "buildkit")


def mlpackage(project: Path, *arguments: str) -> None:
    verb, *rest = arguments
    # -P: the package under test is the installed one, not the one in the current folder.
    run([sys.executable, "-P", "-m", "hatch_mlpackage", verb, "--project", str(project), *rest])


def generate(project: Path, destination: Path) -> Path:
    mlpackage(project, "generate", "--output", str(destination))
    return destination


@dataclass(frozen=True, kw_only=True, slots=True)
class Diabetes:
    """The contexts of one project: as it is, with only the entry script edited, with only the model trained anew."""

    original: Path
    edited: Path
    retrained: Path
    request: dict[str, list[list[float]]]
    predictions: list[float]


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Diabetes:
    project = tmp_path_factory.mktemp("diabetes") / "project"
    shutil.copytree(PROJECTS / "diabetes", project)
    contexts = project / "dist"
    train = [sys.executable, str(project / "train.py")]
    run(train)
    mlpackage(project, "lock")
    original = generate(project, contexts / "original")
    rows = load_diabetes().data[:2]
    predictions = joblib.load(project / "models/ridge.pkl").predict(rows).tolist()
    script = project / "src/score.py"
    text = script.read_text()
    script.write_text(f"{text}\n# edited\n")
    edited = generate(project, contexts / "edited")
    script.write_text(text)
    run([*train, "2.0"])
    retrained = generate(project, contexts / "retrained")
    return Diabetes(
        original=original, edited=edited, retrained=retrained, request={"data": rows.tolist()}, predictions=predictions
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    tag: str
    builder: Builder


@pytest.fixture(scope="session")
def image(builder: Builder, diabetes: Diabetes) -> Image:
    tag = f"diabetes:{builder.name}"
    builder.build(diabetes.original, tag)
    return Image(tag=tag, builder=builder)


def test_the_image_scores_exactly_as_the_model_does(engine: Engine, image: Image, diabetes: Diabetes) -> None:
    """POST /score answers with what model.predict returns, to the last bit, and GET / says Healthy."""
    with container(engine, image.tag) as running:
        running.wait_until_ready()
        assert running.get("/") == "Healthy"
        assert running.score(diabetes.request) == diabetes.predictions


def test_the_container_reports_healthy(engine: Engine, image: Image) -> None:
    """The HEALTHCHECK of the image finds the server and says so to the engine."""
    with container(engine, image.tag) as running:
        deadline = time.monotonic() + READY_SECONDS
        while running.inspect("{{.State.Health.Status}}") == "starting" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert running.inspect("{{.State.Health.Status}}") == "healthy", running.inspect("{{json .State.Health}}")


def test_the_container_runs_without_rights(engine: Engine, image: Image) -> None:
    """Every process is user 1000 of group 0, and nothing but /tmp can be written to."""
    with container(engine, image.tag) as running:
        running.wait_until_ready()
        listed = engine.run("top", running.id, "-eo", "pid,uid,gid").splitlines()[1:]
        assert len(listed) >= 2  # the server and its worker
        assert {tuple(process.split()[1:]) for process in listed} == {("1000", "0")}
        with pytest.raises(subprocess.CalledProcessError):
            engine.run("exec", running.id, "touch", "/var/azureml-app/written")
        engine.run("exec", running.id, "touch", "/tmp/written")


def test_the_container_stops_when_told_to(engine: Engine, image: Image) -> None:
    """SIGTERM to process 1 ends the container by itself, long before it would be killed."""
    with container(engine, image.tag) as running:
        running.wait_until_ready()
        begin = time.monotonic()
        engine.run("stop", "--time", "30", running.id)
        assert time.monotonic() - begin < 10
        assert running.inspect("{{.State.ExitCode}}") == "0"


def test_the_container_exits_with_3_when_init_raises(engine: Engine, image: Image, tmp_path: Path) -> None:
    """A script that cannot start ends the container with status 3, and its traceback is in the log."""
    script = tmp_path / "score.py"
    script.write_text("def init():\n    raise ValueError('no such model')\n\n\ndef run(data):\n    return data\n")
    with container(engine, image.tag, "--volume", f"{script}:/var/azureml-app/src/score.py:ro") as running:
        engine.run("wait", running.id)
        assert running.inspect("{{.State.ExitCode}}") == "3"
        assert "ValueError: no such model" in running.log()


def rebuild(image: Image, context: Path) -> list[str]:
    """Build another context and return the steps that were done anew; the builder has to name every step with files."""
    steps = cached_steps(image.builder.build(context, "diabetes:rebuilt"))
    files = {step: cached for step, cached in steps.items() if step.startswith(("COPY", "RUN"))}
    instructions = (context / "Dockerfile").read_text().splitlines()
    assert len(files) == len([line for line in instructions if line.startswith(("COPY", "RUN"))])
    return [step for step, cached in files.items() if not cached]


MODEL_STEP = "COPY azureml-models/ridge/1/ /var/azureml-app/azureml-models/ridge/1/"
SOURCE_STEP = "COPY azureml-app/ /var/azureml-app/"
MANIFEST_STEP = "COPY manifest.json /opt/mlpackage/manifest.json"


def test_an_edited_script_rebuilds_no_layer_before_the_source(image: Image, diabetes: Diabetes) -> None:
    """After an edit of the entry script the builder says of every layer before the source that it was reused."""
    assert rebuild(image, diabetes.edited) == [SOURCE_STEP, MANIFEST_STEP]


def test_a_new_model_reinstalls_nothing(image: Image, diabetes: Diabetes) -> None:
    """After a training the builder says of every layer before the model that it was reused."""
    assert rebuild(image, diabetes.retrained) == [MODEL_STEP, SOURCE_STEP, MANIFEST_STEP]


@pytest.fixture
def members(engine: Engine, tmp_path: Path):
    """Give a function that lists what is in an image's file system, as the engine exports it."""

    def export(tag: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        created = engine.run("create", tag, "true").strip()
        archive = tmp_path / "image.tar"
        engine.run("export", "--output", archive, created)
        engine.run("rm", created)
        with tarfile.open(archive) as tar:
            for member in tar:
                head = tar.extractfile(member).read(8) if member.isreg() else b""
                yield member, head

    return export


def test_the_image_holds_what_it_needs_and_nothing_else(image: Image, members, diabetes: Diabetes) -> None:
    """Files are added in two folders only: no pip, compiler, cache or log; all belong to root and all may be read."""
    base = {member.name for member, _ in members(BASE_IMAGE)}
    added = [(member, head) for member, head in members(image.tag) if member.name not in base]
    assert {
        member.name for member, _ in added if not member.name.startswith(("opt/mlpackage", "var/azureml-app"))
    } == set()
    assert {(member.uid, member.gid) for member, _ in added} == {(0, 0)}
    assert [member.name for member, _ in added if not member.issym() and member.mode & 0o044 != 0o044] == []
    unwanted = ("/pip/", "/setuptools/", ".whl", "/pip-", "/.cache")
    assert [member.name for member, _ in added if any(word in member.name for word in unwanted)] == []
    assert sorted(member.name for member, _ in added if member.name.startswith("var/azureml-app/")) == [
        "var/azureml-app/azureml-models",
        "var/azureml-app/azureml-models/ridge",
        "var/azureml-app/azureml-models/ridge/1",
        "var/azureml-app/azureml-models/ridge/1/ridge.pkl",
        "var/azureml-app/src",
        "var/azureml-app/src/README.md",
        "var/azureml-app/src/score.py",
    ]


def test_compiled_modules_are_valid_whatever_the_time_stamps(image: Image, members) -> None:
    """Every installed module is compiled, and its .pyc has the flag of an unchecked hash (PEP 552)."""
    found = [(member.name, head) for member, head in members(image.tag) if member.name.startswith("opt/mlpackage/")]
    compiled = [(name, head) for name, head in found if name.endswith(".pyc")]
    assert [name for name, head in compiled if struct.unpack("<4xI", head) != (1,)] == []
    assert any("/environment/lib/python3.11/site-packages/sklearn/__pycache__/base" in name for name, _ in compiled)
    assert any("/runtime/mlpackage_runtime/__pycache__/frames" in name for name, _ in compiled)


def test_the_image_says_how_it_is_run(engine: Engine, image: Image) -> None:
    """User, port, working folder, entry point, stop signal, labels and variables are those of the context."""
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


@pytest.fixture(scope="session")
def system_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project with no model and no requirement, with an OS package and values full of special characters."""
    project = tmp_path_factory.mktemp("system-packages") / "project"
    shutil.copytree(PROJECTS / "system-packages", project)
    mlpackage(project, "lock")
    return project


def test_system_packages_leave_no_trace_of_apt(
    engine: Engine, builder: Builder, system_packages: Path, members
) -> None:
    """The package is there; apt's lists, caches and logs are not; variables, labels and requests arrive unchanged."""
    tag = f"system-packages:{builder.name}"
    builder.build(generate(system_packages, system_packages / "dist" / builder.name), tag)
    base = {member.name for member, _ in members(BASE_IMAGE)}
    added = {member.name for member, _ in members(tag) if not member.isdir()} - base
    assert "usr/lib/x86_64-linux-gnu/libgomp.so.1" in added
    traces = ("var/cache/", "var/log/", "var/lib/apt/lists/", "tmp/", "root/")
    assert [name for name in added if name.startswith(traces)] == []
    label = engine.run("image", "inspect", "--format", '{{index .Config.Labels "com.example.note"}}', tag)
    assert label == 'costs $5, "really" \\\n'
    with container(engine, tag) as running:
        running.wait_until_ready()
        greeting = 'a "quoted" $HOME \\ #not a comment,  two spaces'
        assert running.score({"some": "thing"}) == {"greeting": greeting, "request": {"some": "thing"}}


@pytest.mark.parametrize(
    "case",
    [
        ("3.12", "true", "this base image has Python 3.11, the lock is for Python 3.12: "),
        ("3.11", "rm /usr/bin/python3", "this base image has no python3: "),
        (
            "3.11",
            "rm -r /usr/lib/python3.11/ensurepip",
            "the Python of this base image cannot make virtual environments: ",
        ),
    ],
    ids=["other Python", "no Python", "no venv"],
)
def test_an_unsuitable_base_image_is_refused_in_words(
    engine: Engine, system_packages: Path, tmp_path: Path, case: tuple[str, str, str]
) -> None:
    """The build stops before it installs anything, and says what is wrong with the base image and what to do."""
    python_version, change, message = case
    (tmp_path / "base").mkdir()
    (tmp_path / "base/Dockerfile").write_text(f"FROM {BASE_IMAGE}\nRUN {change}\n")
    Docker(engine=engine, buildkit=True).build(tmp_path / "base", "unsuitable:1")
    shutil.copytree(system_packages, tmp_path / "project")
    options = ("--base-image", "unsuitable:1", "--python-version", python_version)
    mlpackage(tmp_path / "project", "lock", *options)
    mlpackage(tmp_path / "project", "generate", *options, "--output", str(tmp_path / "context"))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        Docker(engine=engine, buildkit=True).build(tmp_path / "context", "refused:1")
    # What the step printed, and not the text of the step, which builders repeat when it fails.
    assert re.search(rf"^#\d+ [\d.]+ mlpackage: {message}", refused.value.stderr, re.MULTILINE)
