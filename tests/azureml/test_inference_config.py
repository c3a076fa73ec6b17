from __future__ import annotations

import re
from pathlib import Path

import pytest

from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment import Environment
from hatch_mlpackage.azureml.core.model import InferenceConfig
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException

from .entry_scripts import ECHO

EXCLUSIVE = (
    "Error, unable to provide runtime, conda_file, extra_docker_file_steps, enable_gpu, cuda_version, or base_image "
    "along with an environment object."
)
NAME = (
    'Error, invalid name "{}" for provided entry script. The script must be importable as a valid python module, and '
    "must adhere to standard module naming. This means it must be a valid python identifier and not a part of the set "
    "of python standard keywords."
)


@pytest.fixture(autouse=True)
def scripts(folder):
    """Write the scripts that the cases name."""
    Path("src").mkdir()
    for name in ("score.py", "src/score.py", "bad-name.py", "class.py", "1x.py", "score.txt"):
        Path(name).write_text(ECHO)
    Path("broken.py").write_text("def init(:\n")


def both_bases():
    return Environment.from_json({"name": "both", "docker": {"baseImage": "own:1", "baseDockerfile": "FROM own:1"}})


CASES = [
    ({"entry_script": ""}, "Error, need to specify entry_script."),
    ({"environment": Environment("mine"), "runtime": "python"}, EXCLUSIVE),
    ({"environment": Environment("mine"), "base_image": "own:1"}, EXCLUSIVE),
    (
        {"environment": both_bases()},
        "Error, only one of base_dockerfile or base_image should be provided to the environment.docker object.",
    ),
    ({"source_directory": "none"}, "source directory {here}/none doesn't exist. "),
    (
        {"entry_script": "none.py"},
        "entry_script {here}/none.py doesn't exist. entry_script should be path relative to current working directory",
    ),
    (
        {"entry_script": "none.py", "source_directory": "src"},
        "entry_script {here}/src/none.py doesn't exist. entry_script should be path relative to source_directory",
    ),
    ({"entry_script": "score.txt"}, "Invalid driver type. Currently only Python drivers are supported."),
    ({"entry_script": "bad-name.py"}, NAME.format("bad-name")),
    ({"entry_script": "class.py"}, NAME.format("class")),
    ({"entry_script": "1x.py"}, NAME.format("1x")),
    ({"runtime": "r"}, "Provided runtime not supported. Possible runtimes are: spark-py|python"),
    ({"cuda_version": "12"}, "Provided cuda_version not supported. Possible cuda_versions are: 9.0|9.1|10.0"),
    ({"conda_file": "none.yml"}, "Conda file {here}/none.yml doesn't exist. "),
    ({"extra_docker_file_steps": "none"}, "extra docker file steps {here}/none doesn't exist. "),
]


@pytest.mark.parametrize(("given", "said"), CASES)
def test_refused(folder, given, said):
    """The original's refusals keep their words; the error for a missing script names the folder that was searched."""
    with pytest.raises(WebserviceException) as error:
        InferenceConfig(**{"entry_script": "score.py", **given})

    assert error.value.message == said.replace("{here}", str(folder))


def test_a_script_that_is_no_python(folder):
    with pytest.raises(UserErrorException) as error:
        InferenceConfig("broken.py")

    assert re.fullmatch(
        r"invalid syntax .*broken\.py, line 1\)\. Please check it and try local deployment to verify\.",
        error.value.message,
    )


def test_the_signatures_order(folder):
    """Arguments may be given by position, in the original's order."""
    registry = ContainerRegistry()
    registry.address = "registry.example.com"
    Path("conda.yml").write_text("dependencies: [python=3.11]\n")
    Path("steps").write_text("RUN true\n")

    made = InferenceConfig(*("score.py", "Python", "conda.yml", "steps", None, True, "says", "own:1", registry, "10.0"))

    assert made.to_json() == {
        "entryScript": "score.py",
        "description": "says",
        "runtime": "Python",
        "condaFile": "conda.yml",
        "extraDockerfileSteps": "steps",
        "enableGpu": True,
        "cudaVersion": "10.0",
        "baseImage": "own:1",
        "baseImageRegistry": {"address": "registry.example.com"},
    }
    assert InferenceConfig.from_json(made.to_json()).to_json() == made.to_json()


def test_from_another_folder(folder, monkeypatch, tmp_path):
    """The form that a service keeps names the same files in every current folder."""
    made = [
        InferenceConfig("score.py", environment=Environment("mine")),
        InferenceConfig("score.py", source_directory="src"),
    ]
    kept = [each.to_absolute_json() for each in made]
    monkeypatch.chdir(tmp_path)

    assert [InferenceConfig.from_json(each).path_of(each["entryScript"]) for each in kept] == [
        folder / "score.py",
        folder / "src/score.py",
    ]
    assert repr(made[1]) == f"InferenceConfig(entryScript=score.py, sourceDirectory={folder / 'src'})"
