from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hatch_mlpackage.azureml.core import Environment, Model, Webservice, Workspace
from hatch_mlpackage.azureml.core.model import InferenceConfig
from hatch_mlpackage.azureml.core.webservice import LocalWebservice
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException

from .entry_scripts import ECHO

READS = """\
import os


def init():
    print("reading", os.environ["AZUREML_MODEL_DIR"])


def run(data):
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "word.txt")) as file:
        return file.read() + os.environ.get("MARK", "")
"""


def test_a_service_outlives_its_program(ws, echo):
    """Another program finds the service by its name, asks it and deletes it."""
    service = Model.deploy(ws, "myservice", [], echo, LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    code = (
        "from hatch_mlpackage.azureml.core import Webservice, Workspace\n"
        "service = Webservice(Workspace.get('my-workspace'), 'myservice')\n"
        "print(service.state, service.port, service.run('hello'))\n"
        "service.delete()\nprint(service.state)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == f"running {service.port} hello\ndeleted\n"
    with pytest.raises(WebserviceException, match="Webservice with name myservice not found"):
        Webservice(ws, "myservice")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{service.port}/", trust_env=False)


def test_what_a_service_says_of_itself(ws, echo, capsys):
    """A service's attributes, states and printed output are the original's."""
    service = Model.deploy(ws, "myservice", [], echo)
    before = service.state
    service.wait_for_deployment(show_output=True)

    port = service.port
    assert (before, service.state) == ("deploying", "running")
    assert capsys.readouterr().out.endswith(f"Local webservice is running at http://localhost:{port}\n")
    said = service.serialize()
    assert {
        key: said[key] for key in ("name", "state", "computeType", "workspaceName", "scoringUri", "swaggerUri")
    } == {
        "name": "myservice",
        "state": "running",
        "computeType": "Local",
        "workspaceName": "my-workspace",
        "scoringUri": f"http://localhost:{port}/score",
        "swaggerUri": f"http://localhost:{port}/swagger.json",
    }
    assert (service.auth_enabled, service.token_auth_enabled) == (False, False)
    for call in (service.get_keys, service.get_token, lambda: service.regen_key("Primary")):
        with pytest.raises(NotImplementedError, match="Local web services do not support"):
            call()
    service.delete()
    assert service.state == "deleted"
    with pytest.raises(WebserviceException, match=r"^Cannot call run\(\) when service is deleted\.$"):
        service.run("{}")


def test_a_script_that_cannot_start(ws, bare):
    """A service whose script cannot start fails with the original's message and the script's traceback."""
    Path("score.py").write_text("def init():\n    raise RuntimeError('no weights')\n\n\ndef run(data):\n    pass\n")
    service = Model.deploy(ws, "myservice", [], InferenceConfig("score.py", environment=bare))

    with pytest.raises(WebserviceException) as error:
        service.wait_for_deployment()

    assert error.value.message.startswith("Error: Container has crashed. Did your init method fail?\n")
    assert "RuntimeError: no weights" in error.value.message
    assert service.state == "failed"
    assert "RuntimeError: no weights" in service.get_logs()
    assert service.get_logs(num_lines=1).count("\n") == 1
    assert [each.state for each in LocalWebservice.list(ws, all=True)] == ["failed"]
    assert LocalWebservice.list(ws) == []


def test_an_answer_that_is_no_success(ws, bare):
    """The error about a failed request gives the status and the body of the answer."""
    Path("score.py").write_text("def init():\n    pass\n\n\ndef run(data):\n    raise ValueError('no')\n")
    service = Model.deploy(ws, "myservice", [], InferenceConfig("score.py", environment=bare))

    with pytest.raises(WebserviceException) as error:
        service.run("{}")

    assert error.value.status_code == 500
    assert error.value.message.startswith("Error: Scoring was unsuccessful.\nStatus: 500\nBody: {")


@pytest.fixture
def reading(ws, bare):
    """Deploy a service that answers with its model's word."""
    Path("word.txt").write_text("one")
    Path("score.py").write_text(READS)
    service = Model.deploy(ws, "myservice", ["word.txt"], InferenceConfig("score.py", environment=bare))
    service.wait_for_deployment()
    return service


def test_reload(ws, reading):
    """`reload` serves a changed script and a changed unregistered model on the same port."""
    port = reading.port
    Path("word.txt").write_text("two")
    Path("score.py").write_text(READS.replace("file.read()", "file.read().upper()"))

    LocalWebservice(ws, "myservice").reload(wait=True)

    assert (reading.run("{}"), LocalWebservice(ws, "myservice").port) == ("TWO", port)
    assert "azureml-models/word.txt/0" in reading.get_logs()


def test_update(ws, reading, bare):
    """An update replaces models, script and environment, and leaves everything else."""
    Path("word.txt").write_text("three")
    model = Model.register(ws, "word.txt", "words")
    bare.environment_variables = {"MARK": "!"}

    reading.update(models=[model], wait=True)
    first = reading.run("{}")
    reading.update(inference_config=InferenceConfig("score.py", environment=bare), wait=True)

    assert (first, reading.run("{}")) == ("three", "three!")
    assert [service.name for service in LocalWebservice.list(ws, model_name="words")] == ["myservice"]
    assert [service.name for service in LocalWebservice.list(ws, model_id="words:1")] == ["myservice"]
    assert LocalWebservice.list(ws, model_id="words:2") == []
    found = {
        asked: [service.name for service in Webservice.list(ws, **dict([asked]))]
        for asked in (("compute_type", "Local"), ("model_name", "words"), ("compute_type", "ACI"), ("tags", ("team",)))
    }
    assert [*found.values()] == [["myservice"], ["myservice"], [], []]
    assert len([path for path in (ws.folder / "services/myservice").iterdir() if path.is_dir()]) == 1


def test_a_wrong_update_changes_nothing(ws, reading):
    """A wrong update is reported, and the service keeps running."""
    with pytest.raises(WebserviceException, match='provided model path "none" cannot be found'):
        reading.update(models=["none"])
    Path("my word.txt").write_text("x")
    with pytest.raises(UserErrorException, match=r"tool\.mlpackage\.models\[0\]\.name"):
        reading.update(models=["my word.txt"])
    Path("score.py").unlink()
    with pytest.raises(WebserviceException, match=r"entry_script .*score\.py doesn't exist"):
        LocalWebservice(ws, "myservice").reload()

    assert LocalWebservice(ws, "myservice").state == "running"


def test_a_deployed_name_is_replaced(ws, reading, echo):
    """As with the original's local services, deploying a name again replaces what it served."""
    service = Model.deploy(ws, "myservice", [], echo, overwrite=True)
    service.wait_for_deployment()

    assert service.run("again") == "again"


def test_a_script_with_its_folder(ws, bare):
    """A source directory is served whole, under its own name; the script imports the modules beside it."""
    Path("project/src/parts").mkdir(parents=True)
    Path("project/src/parts/__init__.py").write_text("WORD = 'from the folder'\n")
    Path("project/src/score.py").write_text(ECHO.replace("return data", "import parts; return parts.WORD"))
    inference = InferenceConfig("score.py", source_directory="project/src", environment=bare)

    service = Model.deploy(ws, "myservice", [], inference)

    assert service.run("{}") == "from the folder"


def test_another_interpreter(ws, folder, bare):
    """The entry script runs in the interpreter that is named, also after `reload`."""
    Path("score.py").write_text(
        "import os\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return os.environ['MARK']\n"
    )
    wrapper = folder / "python"
    wrapper.write_text(f'#!/bin/sh\nMARK="by the wrapper" exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    configuration = LocalWebservice.deploy_configuration(python=str(wrapper))

    service = Model.deploy(ws, "myservice", [], InferenceConfig("score.py", environment=bare), configuration)
    first = service.run("{}")
    LocalWebservice(ws, "myservice").reload(wait=True)

    assert (first, service.run("{}")) == ("by the wrapper", "by the wrapper")


@pytest.mark.parametrize("name", ["My-service", "ab", "a" * 33, "ends-", "1st"])
def test_names(ws, echo, name):
    with pytest.raises(WebserviceException, match="provided service name is invalid"):
        Model.deploy(ws, name, [], echo)


@pytest.mark.parametrize("port", [0, -1, 65536, "8890", True])
def test_ports(port):
    with pytest.raises(
        WebserviceException, match=r"^Invalid configuration, port must be an integer in range \[1, 65535\]$"
    ):
        LocalWebservice.deploy_configuration(port=port)


def test_wrong_arguments(ws, echo):
    """An argument of a wrong type, or one that only the cloud has, is refused by its name."""
    with pytest.raises(WebserviceException, match="must be of type InferenceConfig"):
        Model.deploy(ws, "myservice", [], {"entryScript": "score.py"})
    with pytest.raises(WebserviceException, match="must be of type LocalWebserviceDeploymentConfiguration"):
        Model.deploy(ws, "myservice", [], echo, {"port": 1})
    with pytest.raises(WebserviceException, match="Models must either be of type"):
        Model.deploy(ws, "myservice", [1], echo)
    with pytest.raises(UserErrorException, match="deployment_target names a cluster in the cloud"):
        Model.deploy(ws, "myservice", [], echo, deployment_target=object())
    with pytest.raises(UserErrorException, match="engine must be one of docker, podman"):
        LocalWebservice.deploy_configuration(engine="buildah")


@pytest.mark.parametrize(
    ("count", "framework", "said"),
    [
        (0, "ScikitLearn", "when deploying zero or multiple models."),
        (2, "ScikitLearn", "when deploying zero or multiple models."),
        (
            1,
            None,
            "when deploying a model with model_framework set to None. Default environments are only provided for ",
        ),
        (1, "TfKeras", "with model_framework set to TfKeras."),
    ],
)
def test_without_a_script(ws, count, framework, said):
    """Without an entry script there must be exactly one model, of a framework that can be served."""
    Path("model.bin").write_text("x")
    models = [Model.register(ws, "model.bin", "mine", model_framework=framework) for _ in range(count)]

    for call in (lambda: Model.deploy(ws, "myservice", models), lambda: Model.package(ws, models)):
        with pytest.raises(UserErrorException) as error:
            call()
        assert error.value.message.startswith("You must provide an InferenceConfig ")
        assert said in error.value.message


def test_a_container_needs_its_engine(ws, echo, monkeypatch):
    """Without a container engine the deployment fails with the reason and leaves no service."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Exception, match="no container engine found on PATH") as error:
        Model.deploy(ws, "myservice", [], echo, LocalWebservice.deploy_configuration(engine="docker"))

    assert type(error.value).__name__ == "UnavailableError"
    assert LocalWebservice.list(ws, all=True) == []


def test_show_output(ws, echo, capsys):
    """`show_output` prints the models and the entry script."""
    Path("word.txt").write_text("one")
    model = Model.register(ws, "word.txt", "words")

    Model.deploy(ws, "myservice", [model], echo, show_output=True)

    assert capsys.readouterr().out.splitlines()[-2:] == ["Models: ['words:1']", "Entry script: score.py"]


def test_run_sends_text_or_bytes(ws, echo):
    """`run` sends text or bytes as they are."""
    service = Model.deploy(ws, "myservice", [], echo)

    assert json.loads(service.run(json.dumps({"data": [1]}))) == {"data": [1]}
    assert service.run("é".encode()) == "é"
    assert Workspace.get("my-workspace").webservices.keys() == {"myservice"}
    assert isinstance(Environment.list(ws), dict)
