"""The calls of the original's documentation, in its order and in words of our own, with only the import changed.

Calls that need a cloud account are in `test_cloud.py`; the packaged image runs in `tests/containers/test_azureml.py`.
"""

from __future__ import annotations

import json
import os
import tarfile
import urllib.request
from pathlib import Path

import httpx
import pytest

from hatch_mlpackage.azureml.core import Workspace
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.environment import Environment
from hatch_mlpackage.azureml.core.model import InferenceConfig, Model
from hatch_mlpackage.azureml.core.resource_configuration import ResourceConfiguration
from hatch_mlpackage.azureml.core.webservice import LocalWebservice
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.serve.health import free_port

from .entry_scripts import ECHO, ROWS, SCORE


def post(uri: str, body: str | bytes, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(uri, content=body, headers={"Content-Type": "application/json", **headers}, timeout=30)


def test_connect_to_a_workspace(folder):
    """`from_config` takes the names from the original's file at any path, and always finds the same folder."""
    config = folder / ".file-path/ws_config.json"
    config.parent.mkdir()
    config.write_text('{"subscription_id": "0f3b", "resource_group": "team", "workspace_name": "myworkspace"}')

    ws = Workspace.from_config(path=".file-path/ws_config.json")

    assert (ws.name, ws.resource_group, ws.subscription_id) == ("myworkspace", "team", "0f3b")
    assert ws.folder == Path(os.environ["MLPACKAGE_DATA_DIR"], "workspaces/0f3b/team/myworkspace")
    assert Workspace.from_config(path=str(config)).folder == ws.folder


def test_register_from_a_local_file(ws, folder):
    """A model file from an archive is registered, each time as the next version."""
    Path("unpacked").mkdir()
    Path("unpacked/model.onnx").write_bytes(b"a graph")
    with tarfile.open("mnist.tar.gz", "w:gz") as archive:
        archive.add("unpacked/model.onnx", "mnist/model.onnx")
    onnx_model_url = Path("mnist.tar.gz").absolute().as_uri()
    urllib.request.urlretrieve(onnx_model_url, filename="downloaded.tar.gz")
    os.system("tar xzf downloaded.tar.gz")

    model = Model.register(
        workspace=ws,
        model_path="mnist/model.onnx",
        model_name="onnx_mnist",
        tags={"onnx": "demo"},
        description="MNIST image classification CNN from ONNX Model Zoo",
    )

    assert (model.name, model.id, model.version, model.tags) == ("onnx_mnist", "onnx_mnist:1", 1, {"onnx": "demo"})
    assert Model.register(ws, "mnist/model.onnx", "onnx_mnist").id == "onnx_mnist:2"


def test_get_model_path(ws, model_file, monkeypatch, folder):
    """A name is enough to find the file of the newest version below `azureml-models`."""
    model = Model.register(ws, str(model_file), "sklearn_mnist")
    monkeypatch.setenv("AML_APP_ROOT", str(folder / "app"))
    model.download(target_dir="app/azureml-models/sklearn_mnist/1")

    model_path = Model.get_model_path("sklearn_mnist")

    assert model_path == str(folder / "app/azureml-models/sklearn_mnist/1/sklearn_mnist_model.pkl")


@pytest.mark.slow
def test_deploy_and_ask(ws, model_file, ridge, environment, close_to):
    """A service with a registered environment, a script in a folder and a chosen port answers the client."""
    Path("x/y").mkdir(parents=True)
    Path("x/y/score.py").write_text(SCORE)
    environment.register(workspace=ws)
    model = Model.register(ws, "outputs/sklearn_mnist_model.pkl", "sklearn_mnist")

    myenv = Environment.get(workspace=ws, name="myenv", version="1")
    inference_config = InferenceConfig(entry_script="x/y/score.py", environment=myenv)
    port = free_port()
    deployment_config = LocalWebservice.deploy_configuration(port=port)
    service = Model.deploy(ws, "myservice", [model], inference_config, deployment_config)
    service.wait_for_deployment(show_output=True)
    assert service.state == "running"

    headers = {"Content-Type": "application/json"}
    if service.auth_enabled:
        headers["Authorization"] = "Bearer " + service.get_keys()[0]
    elif service.token_auth_enabled:
        headers["Authorization"] = "Bearer " + service.get_token()[0]
    test_sample = json.dumps({"data": ROWS})
    response = post(service.scoring_uri, test_sample, **headers)
    assert service.scoring_uri == f"http://localhost:{port}/score"
    assert (response.status_code, response.json()) == (200, close_to(ridge[1].predict(ROWS).tolist()))
    assert service.run(input_data=test_sample) == response.json()
    _check_swagger(service.swagger_uri)


def _check_swagger(uri: str) -> None:
    """Compare the service's description with the one that the original's documentation prints."""
    document = httpx.get(uri, trust_env=False).json()
    assert (document["swagger"], document["info"]["title"], document["info"]["version"]) == ("2.0", "myservice", "1.0")
    assert (document["schemes"], document["consumes"], document["produces"]) == (
        ["https"],
        ["application/json"],
        ["application/json"],
    )
    assert set(document["securityDefinitions"]) == {"Bearer"}
    assert document["paths"]["/"]["get"]["operationId"] == "ServiceHealthCheck"
    assert document["paths"]["/score"]["post"]["operationId"] == "RunMLService"
    assert document["definitions"]["ServiceInput"]["properties"]["data"]["items"]["items"] == {
        "type": "integer",
        "format": "int64",
    }
    assert document["definitions"]["ServiceInput"]["example"] == {"data": [ROWS[1]]}
    assert document["definitions"]["ServiceOutput"]["items"] == {"type": "number", "format": "double"}
    assert document["definitions"]["ServiceOutput"]["example"] == [3726.995]


def test_download_a_model(ws, model_file, ridge):
    """A registered model is copied into the current folder under its own file's name."""
    Model.register(ws, str(model_file), "mymodel")

    model_path = Model(ws, "mymodel").download()

    assert (model_path, Path(model_path).read_bytes()) == ("sklearn_mnist_model.pkl", ridge[0].read_bytes())


@pytest.mark.slow
def test_no_code(ws, model_file, ridge, close_to):
    """A scikit-learn model that names its framework is served without a script and takes the original's request."""
    model = Model.register(
        workspace=ws,
        model_name="my-sklearn-model",
        model_path="./outputs/sklearn_mnist_model.pkl",
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="0.19.1",
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
        description="Ridge regression model to predict diabetes progression.",
        tags={"area": "diabetes", "type": "regression"},
    )

    service_name = "my-sklearn-service"
    service = Model.deploy(ws, service_name, [model])
    service.wait_for_deployment()

    assert service.run(json.dumps({"data": ROWS})) == close_to({"predict": ridge[1].predict(ROWS).tolist()})


FINDING = """\
import os

from azureml.core.model import Model


def init():
    global model_path
    model_path = {}


def run(data):
    with open(model_path) as file:
        return file.read()
"""


@pytest.mark.parametrize(
    ("model_path", "names"),
    [
        ('os.path.join(os.getenv("AZUREML_MODEL_DIR"), "regression.pkl")', ["regression.pkl"]),
        ('os.path.join(os.getenv("AZUREML_MODEL_DIR"), "my_model_folder", "regression.pkl")', ["my_model_folder"]),
        (
            'os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_model0", "1", "regression.pkl")',
            ["regression.pkl", "other.txt"],
        ),
        ('Model.get_model_path("sklearn_model0")', ["regression.pkl"]),
    ],
    ids=["file", "folder", "several", "by-name"],
)
def test_where_a_script_finds_its_model(ws, bare, model_path, names):
    """A script finds a file, a file in a folder, one of two models and a named model where the documentation says."""
    Path("my_model_folder").mkdir()
    for path in ("my_model_folder/regression.pkl", "regression.pkl", "other.txt"):
        Path(path).write_text("the model")
    Path("score.py").write_text(FINDING.format(model_path))
    models = [Model.register(ws, name, f"sklearn_model{index}") for index, name in enumerate(names)]

    service = Model.deploy(ws, "finding", models, InferenceConfig("score.py", environment=bare))

    assert service.run("{}") == "the model"


def test_conda_file(folder):
    """The conda file of the documentation becomes an environment with the same channels and packages."""
    Path("myenv.yml").write_text(
        "name: project_environment\ndependencies:\n  - python=3.6.2\n  - scikit-learn=0.20.0\n  - pip:\n"
        "      # You must list azureml-defaults as a pip dependency\n    - azureml-defaults>=1.0.45\n"
        "    - inference-schema[numpy-support]\n"
    )

    conda = Environment.from_conda_specification("myenv", "myenv.yml").python.conda_dependencies

    assert (conda.get_python_version(), [*conda.conda_packages]) == (
        "3.6.2",
        ["python=3.6.2", "scikit-learn=0.20.0"],
    )
    assert [*conda.pip_packages] == ["azureml-defaults>=1.0.45", "inference-schema[numpy-support]"]


@pytest.mark.slow
def test_frames_in_and_arrays_out(ws, bare):
    """In the second schema example, records become a frame with the sample's columns and types."""
    Path("score.py").write_text(
        """\
import numpy as np
import pandas as pd
from azureml.core.model import Model
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from sklearn.externals import joblib


def init():
    pass


input_sample = pd.DataFrame(data=[{"input_name_1": 5.1, "input_name_2": "value2", "input_name_3": 3}])


@input_schema("data", PandasParameterType(input_sample))
@output_schema(NumpyParameterType(np.array([0])))
def run(data):
    products = data.input_name_1 * data.input_name_3
    return [list(data.columns), [str(kind.kind) for kind in data.dtypes], products.tolist()]
"""
    )

    service = Model.deploy(ws, "frames", [], InferenceConfig("score.py", environment=bare))

    rows = [{"input_name_1": 1.5, "input_name_2": "a", "input_name_3": 2}] * 2
    columns, kinds, products = service.run(json.dumps({"data": rows}))
    assert (columns, kinds[0], kinds[2], products) == (
        ["input_name_1", "input_name_2", "input_name_3"],
        "f",
        "i",
        [3, 3],
    )


RAW = """\
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    print("This is init()")


@rawhttp
def run(request):
    print("Request: [{0}]".format(request))
    if request.method == "GET":
        return AMLResponse(str.encode(request.full_path), 200)
    elif request.method == "POST":
        answer = AMLResponse(request.get_data(False), 200)
        CORS
        return answer
    else:
        return AMLResponse("bad request", 500)
"""


def test_raw_http(ws, bare):
    """A script that takes the raw request answers GET with its path, POST with its bytes, and the rest with 500."""
    Path("score.py").write_text(RAW.replace("CORS\n", "\n"))

    service = Model.deploy(ws, "raw", [], InferenceConfig("score.py", environment=bare))
    service.wait_for_deployment()

    got = httpx.get(f"{service.scoring_uri}?a=1", trust_env=False)
    posted = post(service.scoring_uri, b"\x00\xff")
    other = httpx.options(service.scoring_uri, trust_env=False)
    assert (got.status_code, got.text, posted.content) == (200, "/score?a=1", b"\x00\xff")
    assert (other.status_code, other.text) == (500, "bad request")
    assert "This is init()" in service.get_logs()


def test_cors(ws, bare):
    """A script's own CORS header reaches the client."""
    header = 'answer.headers["Access-Control-Allow-Origin"] = "http://www.example.com"'
    Path("score.py").write_text(RAW.replace("CORS", header))

    service = Model.deploy(ws, "cors", [], InferenceConfig("score.py", environment=bare))
    service.wait_for_deployment()

    assert post(service.scoring_uri, "{}").headers["access-control-allow-origin"] == "http://www.example.com"


@pytest.mark.network
def test_package_a_dockerfile(ws, model_file, environment, capsys):
    """Saving a package writes a complete context to the folder that the documentation names."""
    Path("score.py").write_text(SCORE)
    model = Model.register(ws, str(model_file), "sklearn_mnist")
    inference_config = InferenceConfig(entry_script="score.py", environment=environment)

    package = Model.package(ws, [model], inference_config, generate_dockerfile=True)
    package.wait_for_creation(show_output=True)
    package.save("./imagefiles")
    acr = package.get_container_registry()
    print("Address:", acr.address)
    print("Username:", acr.username)
    print("Password:", acr.password)

    printed = capsys.readouterr().out
    assert printed.endswith("Package creation Succeeded\nAddress: docker.io\nUsername: None\nPassword: None\n")
    assert verify_context(Path("imagefiles")) == ()
    assert {path.relative_to("imagefiles").as_posix() for path in Path("imagefiles").glob("azureml-*/**/*.p*")} == {
        "azureml-app/score.py",
        "azureml-models/sklearn_mnist/1/sklearn_mnist_model.pkl",
    }
    dockerfile = Path("imagefiles/Dockerfile").read_text()
    assert 'AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/sklearn_mnist/1"' in dockerfile
    assert "EXAMPLE_ENV_VAR" not in dockerfile


def test_custom_base_image(ws):
    """The original's example of a base image from a registry with a login is served, and no file keeps its password."""
    Path("score.py").write_text(ECHO)
    Path("model.txt").write_text("a model")
    model = Model.register(ws, "model.txt", "mymodel")
    myenv = Environment(name="myenv")
    myenv.docker.enabled = True
    myenv.docker.base_image = "mcr.microsoft.com/azureml/o16n-sample-user-base/ubuntu-miniconda:latest"
    myenv.docker.base_image_registry.address = "myregistry.azurecr.io"
    myenv.docker.base_image_registry.username = "username"
    myenv.docker.base_image_registry.password = "hunter2"
    myenv.inferencing_stack_version = "latest"
    conda_dep = CondaDependencies()
    conda_dep.add_pip_package("azureml-defaults")
    myenv.python.conda_dependencies = conda_dep

    inference_config = InferenceConfig(entry_script="score.py", environment=myenv)
    deployment_config = LocalWebservice.deploy_configuration(port=free_port())
    service = Model.deploy(ws, "myservice", [model], inference_config, deployment_config)
    service.wait_for_deployment(show_output=True)

    assert service.state == "running"
    assert service.run("a request") == "a request"
    assert not [path for path in ws.folder.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
