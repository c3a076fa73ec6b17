"""The code blocks of the original's documentation run word for word with `python -m hatch_mlpackage.azureml`.

A block often continues the program of an earlier one: the tests write what stands before it, and print what came of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

import httpx
import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from hatch_mlpackage.context.verify import verify_context

from .entry_scripts import ECHO, ROWS

TEXT = (Path(__file__).parent / "documentation_blocks.txt").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^## (\S+)\n\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
SOURCE = Path(__file__).read_text(encoding="utf-8")

# Services of these blocks listen on ports that the documentation chose: one test at a time uses them.
PORTS = Path(tempfile.gettempdir(), "hatch-mlpackage-documentation-ports.lock")


@pytest.fixture
def ports():
    with PORTS.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def config(ws):
    """Write the file that the first block reads; it names the workspace of the tests."""
    names = {"subscription_id": None, "resource_group": None, "workspace_name": ws.name}
    Path(".file-path").mkdir()
    Path(".file-path/ws_config.json").write_text(json.dumps(names))


def run(*parts: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the given parts."""
    Path("deploy.py").write_text("\n".join(parts), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "hatch_mlpackage.azureml", "deploy.py"],
        env={**os.environ, "NO_PROXY": "localhost,127.0.0.1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def outcome(*parts: str, shows: str, **variables: str):
    """Run a program that must succeed, and return the value of an expression at its end."""
    done = run(*parts, f"import json as _json\nprint(_json.dumps({shows}))", **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def register(name: str, path: str) -> str:
    return f"from azureml.core.model import Model\nmodel = Model.register(ws, {path!r}, {name!r})"


def serve(*models: str) -> str:
    """Return the program that serves score.py with models, which are registered under their names."""
    return (
        "from azureml.core import Environment\nfrom azureml.core.model import InferenceConfig, Model\n"
        "from azureml.core.conda_dependencies import CondaDependencies\nenvironment = Environment('bare')\n"
        "environment.python.conda_dependencies = CondaDependencies.create(python_version='3.11')\n"
        "inference_config = InferenceConfig(entry_script='score.py', environment=environment)\n"
        f"service = Model.deploy(ws, 'documented', {[*models]}, inference_config)\n"
        "service.wait_for_deployment()\n"
    )


def test_every_block_is_run():
    """Each block is named by a test of this file."""
    assert len(BLOCKS) == 30
    assert [name for name in BLOCKS if f'BLOCKS["{name}"]' not in SOURCE] == []


def test_connect(ws):
    """The workspace of the file is found at any path."""
    assert outcome(BLOCKS["connect"], shows="[ws.name, str(ws.folder)]") == ["my-workspace", str(ws.folder)]


@pytest.mark.parametrize(
    ("start", "block", "name"),
    [
        ("from azureml.core import Run as run", BLOCKS["register-from-run"], "Run.register_model"),
        # The documentation indents this block.
        (
            "from azureml.train.automl.run import AutoMLRun as run\nif True:",
            BLOCKS["register-from-automl-run"],
            "AutoMLRun.register_model",
        ),
    ],
    ids=["run", "automl"],
)
def test_register_from_a_run(start, block, name):
    """A run is in the cloud: its call says so by name, in the block's own line, and how to register a file here."""
    done = run(start, block)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        f"hatch_mlpackage.azureml.exceptions.NotInTheCloudError: {name} needs Azure ML in the cloud, which is not used "
        "here: train the model anywhere and register its file: Model.register(ws, model_path, model_name)."
    )
    assert re.search(r'deploy\.py", line \d+, in <module>\n +model = run\.register_model\(', done.stderr)


def test_register_from_a_file(ws):
    """A model file from a downloaded archive is registered with its tags and description."""
    Path("mnist").mkdir()
    Path("mnist/model.onnx").write_bytes(b"a graph")
    with tarfile.open("archive.tar.gz", "w:gz") as archive:
        archive.add("mnist")
    Path("mnist/model.onnx").unlink()
    no_network = (
        "import shutil, urllib.request\n"
        "urllib.request.urlretrieve = lambda url, filename: shutil.copy('archive.tar.gz', filename)"
    )

    shown = outcome(
        BLOCKS["connect"],
        no_network,
        BLOCKS["register-from-file"],
        shows="[model.id, model.tags, model.description, model.path.read_text()]",
    )

    assert shown == ["onnx_mnist:1", {"onnx": "demo"}, "MNIST image classification CNN from ONNX Model Zoo", "a graph"]


FOUND = "\n\ndef init():\n    pass\n\n\ndef run(data):\n    return {}\n"


@pytest.mark.slow
def test_where_one_model_is(ws):
    """With one model, a file and a folder of it are below AZUREML_MODEL_DIR."""
    Path("my_model_folder").mkdir()
    Path("my_model_folder/sklearn_regression_model.pkl").write_text("the model")
    shown = "[os.path.relpath(model_path, os.environ['AZUREML_MODEL_DIR']), open(file_path).read()]"
    Path("score.py").write_text("import os\n\n" + BLOCKS["model-dir-of-one"] + FOUND.format(shown))

    answer = outcome(BLOCKS["connect"], register("mine", "my_model_folder"), serve("mine:1"), shows="service.run('{}')")

    assert answer == ["sklearn_regression_model.pkl", "the model"]


@pytest.mark.slow
def test_where_several_models_are(ws):
    """With two models, one is found by its path and the other one by its name."""
    for name in ("sklearn_regression_model.pkl", "other.pkl"):
        Path(name).write_text(name)
    Path("score.py").write_text(
        "import os\nfrom azureml.core.model import Model\n\n"
        + BLOCKS["model-dir-of-several"]
        + "by_path = model_path\n"
        + BLOCKS["model-path"]
        + FOUND.format("[open(by_path).read(), open(model_path).read()]")
    )

    answer = outcome(
        BLOCKS["connect"],
        register("sklearn_model", "sklearn_regression_model.pkl"),
        register("sklearn_mnist", "other.pkl"),
        serve("sklearn_model:1", "sklearn_mnist:1"),
        shows="service.run('{}')",
    )

    assert answer == ["sklearn_regression_model.pkl", "other.pkl"]


def test_model_path_outside_of_a_service():
    """A program finds a model in `azureml-models` below its folder."""
    Path("azureml-models/sklearn_mnist/2").mkdir(parents=True)
    Path("azureml-models/sklearn_mnist/2/model.pkl").touch()

    shown = outcome("from azureml.core.model import Model", BLOCKS["model-path"], shows="model_path")

    assert shown == "azureml-models/sklearn_mnist/2/model.pkl"


def test_conda_file():
    """The conda file gives an environment its channels, packages and Python."""
    Path("myenv.yml").write_text(BLOCKS["conda-file"])

    shown = outcome(
        "from azureml.core import Environment",
        "conda = Environment.from_conda_specification('myenv', 'myenv.yml').python.conda_dependencies",
        shows="[conda.get_python_version(), [*conda.conda_packages], [*conda.pip_packages]]",
    )

    assert shown == [
        "3.6.2",
        ["python=3.6.2", "scikit-learn=0.20.0"],
        ["azureml-defaults>=1.0.45", "inference-schema[numpy-support]"],
    ]


@pytest.mark.slow
def test_deploy_and_ask(ws, model_file, ridge, environment, ports, close_to):
    """The script with a schema is served from its folder, answers the client and describes itself as documented."""
    environment.register(ws)
    Path("x/y").mkdir(parents=True)
    Path("x/y/score.py").write_text(BLOCKS["score-arrays"])

    shown = outcome(
        BLOCKS["connect"],
        register("sklearn_mnist", "outputs/sklearn_mnist_model.pkl"),
        BLOCKS["environment"],
        BLOCKS["webservices"],
        BLOCKS["deploy-local"],
        BLOCKS["request"],
        shows="[service.state, service.scoring_uri, response.status_code, response.json(), "
        "requests.get(service.swagger_uri).json()]",
    )

    state, uri, status, answer, swagger = shown
    assert (state, uri, status) == ("running", "http://localhost:8890/score", 200)
    assert answer == close_to(ridge[1].predict(ROWS).tolist())
    _check_swagger(swagger)


def _check_swagger(found: dict) -> None:
    """Compare with the documented description; later releases named the arrays' format, and changed the wording."""
    documented = json.loads(BLOCKS["swagger"])
    found["definitions"]["ServiceInput"]["properties"]["data"].pop("format")
    found["definitions"]["ServiceOutput"].pop("format")
    for name in ("ServiceInput", "ServiceOutput"):
        assert found["definitions"][name] == documented["definitions"][name]
    for key in ("swagger", "schemes", "consumes", "produces"):
        assert found[key] == documented[key]
    assert (found["info"]["title"], found["info"]["version"]) == ("myservice", "1.0")
    assert documented["paths"].keys() <= found["paths"].keys()
    for path, methods in documented["paths"].items():
        for method, operation in methods.items():
            assert found["paths"][path][method]["operationId"] == operation["operationId"]
    parameters = [found["paths"]["/score"]["post"]["parameters"], documented["paths"]["/score"]["post"]["parameters"]]
    assert [[each["name"], each["in"], each["schema"]] for each in parameters[0]] == [
        [each["name"], each["in"], each["schema"]] for each in parameters[1]
    ]


@pytest.mark.slow
def test_a_client_of_a_container(ws, model_file, ridge, ports, close_to):
    """The client for the port of the container gets the answers of a service on that port."""
    Path("score.py").write_text(BLOCKS["score-arrays"])
    there = (
        "from azureml.core.webservice import LocalWebservice\nfixed = LocalWebservice.deploy_configuration(port=6789)"
    )
    serving = serve("sklearn_mnist:1").replace("inference_config)\n", "inference_config, fixed)\n", 1)
    assert "inference_config, fixed)" in serving

    shown = outcome(
        BLOCKS["connect"],
        register("sklearn_mnist", "outputs/sklearn_mnist_model.pkl"),
        there,
        serving,
        BLOCKS["client"],
        shows="[resp.status_code, resp.json()]",
    )

    assert shown == [200, close_to(ridge[1].predict(ROWS).tolist())]


@pytest.mark.slow
def test_frames(ws):
    """The script of AutoML's example fails where the original did, and with the missing import it scores frames."""
    Path("src/azureml/train").mkdir(parents=True)
    Path("src/azureml/train/automl.py").touch()  # stands for the package that loads AutoML's models
    joblib.dump(DummyClassifier(strategy="constant", constant=7).fit([[0], [0]], [7, 8]), "model_file.pkl")
    score, frames = (
        Path("src/score.py"),
        serve("automl:1").replace("entry_script=", "source_directory='src', entry_script="),
    )
    start = (BLOCKS["connect"], register("automl", "model_file.pkl"))

    score.write_text(BLOCKS["score-frames"])
    failed = run(*start, frames)
    score.write_text("import os\n" + BLOCKS["score-frames"])
    row = {"input_name_1": 5.1, "input_name_2": "value2", "input_name_3": 3}
    answer = outcome(*start, frames, shows=f"service.run(_json.dumps({{'data': {[row, row]}}}))")

    number = 1 + BLOCKS["score-frames"].splitlines().index(
        "    model_path = os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'model_file.pkl')"
    )
    assert failed.returncode == 1
    assert f"score.py:{number}: NameError: name 'os' is not defined" in failed.stderr
    assert answer == [7, 7]


def test_the_package_of_automl_is_named(ws):
    """Without the package of AutoML, the service says which import of the script fails, and in which line."""
    Path("score.py").write_text(BLOCKS["score-frames"])

    done = run(BLOCKS["connect"], serve())

    assert done.returncode == 1
    assert "score.py:5: ModuleNotFoundError: No module named 'azureml.train'" in done.stderr


def test_raw(ws):
    """The script that takes the raw request answers GET with its path, POST with its bytes, and the rest with 500."""
    Path("score.py").write_text(BLOCKS["score-raw"])

    uri = outcome(BLOCKS["connect"], serve(), shows="service.scoring_uri")

    with httpx.Client(trust_env=False, timeout=30) as client:
        got, posted = client.get(f"{uri}?a=1"), client.post(uri, content=b"\x00\xff")
        other = client.options(uri)
    assert (got.status_code, got.text, posted.content) == (200, "/score?a=1", b"\x00\xff")
    assert (other.status_code, other.text) == (500, "bad request")


def test_cors(ws):
    """The script fails as printed, without the decorator, as in the original; with it, it sends its own header."""
    Path("score.py").write_text(BLOCKS["score-cors"])
    plain = outcome(BLOCKS["connect"], serve(), shows="service.scoring_uri")
    without = httpx.post(plain, content=b"a request", trust_env=False)

    decorated = "from azureml.contrib.services.aml_request import rawhttp\n\nrawhttp(run)\n"
    Path("score.py").write_text(BLOCKS["score-cors"] + decorated)
    uri = outcome(BLOCKS["connect"], serve(), shows="service.scoring_uri")
    answer = httpx.post(uri, content=b"a request", trust_env=False)

    assert (without.status_code, answer.status_code, answer.text) == (500, 200, "a request")
    assert answer.headers["access-control-allow-origin"] == "http://www.example.com"


def test_download(ws, model_file, ridge):
    """A registered model is copied into the current folder."""
    start = (BLOCKS["connect"], register("mymodel", "outputs/sklearn_mnist_model.pkl"))

    assert outcome(*start, BLOCKS["download"], shows="model_path") == "sklearn_mnist_model.pkl"
    assert Path("sklearn_mnist_model.pkl").read_bytes() == ridge[0].read_bytes()


@pytest.mark.slow
def test_no_code_onnx(ws, ridge, close_to):
    """An ONNX model is served without a script."""
    from skl2onnx import to_onnx  # noqa: PLC0415 - loads slowly

    Path("mnist-model.onnx").write_bytes(to_onnx(ridge[1], np.zeros((1, 10), np.float32)).SerializeToString())

    shown = outcome(
        BLOCKS["connect"],
        BLOCKS["no-code-onnx"],
        shows=f"[model.id, model.model_framework_version, service.run(_json.dumps({{'X': {ROWS}}}))]",
    )

    predicted = shown[2]["variable"]
    assert shown[:2] == ["mnist-sample:1", "1.3"]
    assert np.ravel(predicted).tolist() == close_to(ridge[1].predict(ROWS).tolist())


@pytest.mark.slow
def test_no_code_sklearn(ws, model_file, ridge, close_to):
    """A scikit-learn model is served without a script, and keeps what was registered with it."""
    model_file.rename("sklearn_regression_model.pkl")

    shown = outcome(
        BLOCKS["connect"],
        BLOCKS["no-code-sklearn"],
        shows="[model.tags, model.resource_configuration.memory_in_gb, model.model_framework_version, "
        f"service.run(_json.dumps({{'data': {ROWS}}}))]",
    )

    assert shown[:3] == [{"area": "diabetes", "type": "regression"}, 0.5, "0.19.1"]
    assert shown[3] == close_to({"predict": ridge[1].predict(ROWS).tolist()})


# A SavedModel with one signature, of one tensor of rows of two numbers.
SAVED_MODEL = (
    b'\x08\x01\x12G\n\x0f"\x05serve*\x062.20.0*4\n\x0fserving_default\x12!\n\x1f\n\x01x\x12\x1a\n\x03x:0\x10\x01'
    b"\x1a\x11\x12\x0b\x08" + b"\xff" * 9 + b"\x01\x12\x02\x08\x02"
)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="tests/no_code/frameworks serves such models")
def test_no_code_tensorflow(ws):
    """A SavedModel is registered with its framework; its service says which package is not installed here."""
    Path("flowers_model/variables").mkdir(parents=True)
    Path("flowers_model/saved_model.pb").write_bytes(SAVED_MODEL)

    shown = outcome(
        BLOCKS["connect"],
        BLOCKS["no-code-tensorflow"],
        "try:\n    service.wait_for_deployment()\nexcept Exception as error:\n    said = str(error)\n",
        shows="[model.id, model.model_framework, model.model_framework_version, service.state, said]",
    )

    assert shown[:4] == ["flowers:1", "TensorFlow", "1.14.0", "failed"]
    assert "ModuleNotFoundError: No module named 'tensorflow'" in shown[4]


def test_the_packages_of_no_code():
    """The packages that the documentation lists for scikit-learn models make an environment."""
    Path("myenv.yml").write_text("dependencies:\n  - python=3.11\n  - pip:\n" + BLOCKS["no-code-packages"])

    shown = outcome(
        "from azureml.core import Environment",
        "made = Environment.from_conda_specification('myenv', 'myenv.yml')",
        shows="[*made.python.conda_dependencies.pip_packages]",
    )

    assert shown == ["azureml-defaults", "inference-schema[numpy-support]", "scikit-learn", "numpy"]


@pytest.fixture
def inference(folder) -> str:
    """Give the program that makes the configuration of a script without packages."""
    Path("score.py").write_text(ECHO)
    Path("model.txt").write_text("a model")
    return serve().partition("service =")[0]


def test_package(ws, inference, tmp_path):
    """Without `generate_dockerfile`, an engine builds the image."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text('#!/bin/sh\necho "docker $1"\n')
    (programs / "docker").chmod(0o755)

    done = run(
        *(BLOCKS["connect"], register("mine", "model.txt"), inference, BLOCKS["package"], "print(package.location)"),
        PATH=str(programs),
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert ("docker build" in lines, lines[-2]) == (True, "Package creation Succeeded")
    assert re.fullmatch(r"package:\d{14}", lines[-1])


def test_package_a_dockerfile(ws, inference):
    """Saving a package writes a complete context, and its base image's registry needs no login."""
    done = run(BLOCKS["connect"], register("mine", "model.txt"), inference, BLOCKS["package-dockerfile"])

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-4:] == [
        "Package creation Succeeded",
        "Address: docker.io",
        "Username: None",
        "Password: None",
    ]
    assert verify_context(Path("imagefiles")) == ()
    assert Path("imagefiles/azureml-models/mine/1/model.txt").read_text() == "a model"


def test_a_base_image_of_ones_own(ws, inference, ports):
    """The example of a base image with a login is served, and its password is written nowhere."""
    del inference  # its files are what the blocks serve
    shown = outcome(
        *(BLOCKS["connect"], register("mymodel", "model.txt"), BLOCKS["image"], BLOCKS["image-registry"]),
        *(BLOCKS["image-inference-config"], BLOCKS["image-deploy"]),
        shows="[service.state, service.port, service.run('a request'), myenv.docker.base_image]",
    )

    image = "mcr.microsoft.com/azureml/o16n-sample-user-base/ubuntu-miniconda:latest"
    assert shown == ["running", 8890, "a request", image]
    assert BLOCKS["image-deploy"] == BLOCKS["deploy-local"]
    files = [path for path in ws.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b'"password": "password"' in path.read_bytes()]


def test_the_environment_of_an_inference_configuration():
    """The environment of the documented JSON file is read with its image and packages, from a folder."""
    document = json.loads(BLOCKS["image-json"])
    Path("saved").mkdir()
    Path("saved/azureml_environment.json").write_text(json.dumps(document["environment"]))

    shown = outcome(
        "from azureml.core import Environment\nmade = Environment.load_from_directory('saved')",
        shows="[made.name, made.docker.base_image, [*made.python.conda_dependencies.pip_packages]]",
    )

    pip = document["environment"]["python"]["condaDependencies"]["dependencies"][1]["pip"]
    assert shown == ["my-deploy-env", document["environment"]["docker"]["baseImage"], pip]
