from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.container_registry import ContainerRegistry
from hatch_mlpackage.azureml.core.environment import DEFAULT_CPU_IMAGE, Environment
from hatch_mlpackage.azureml.exceptions import UserErrorException

NEW = {
    "name": "mine",
    "version": None,
    "assetId": None,
    "environmentVariables": {},
    "python": {
        "userManagedDependencies": False,
        "interpreterPath": "python",
        "condaDependenciesFile": None,
        "baseCondaEnvironment": None,
        "condaDependencies": {
            "name": "project_environment",
            "dependencies": ["python=3.8.13", {"pip": ["azureml-defaults"]}],
            "channels": ["anaconda", "conda-forge"],
        },
    },
    "docker": {
        "enabled": False,
        "baseImage": DEFAULT_CPU_IMAGE,
        "baseDockerfile": None,
        "buildContext": None,
        "sharedVolumes": True,
        "shmSize": "2g",
        "arguments": [],
        "platform": {"os": "Linux", "architecture": "amd64"},
        "baseImageRegistry": {"address": None, "username": None, "password": None, "registryIdentity": None},
    },
    "spark": {"repositories": [], "packages": [], "precachePackages": True},
    "databricks": {
        "mavenLibraries": [],
        "pypiLibraries": [],
        "rcranLibraries": [],
        "jarLibraries": [],
        "eggLibraries": [],
    },
    "r": None,
    "inferencingStackVersion": None,
}


def test_a_new_one():
    """A new environment has the original's defaults, except for the placeholder that it left in every image."""
    assert Environment("mine").to_json() == NEW


def test_what_a_file_leaves_out_is_null():
    """Keys that a file leaves out are null or empty, unlike in a new object, and unknown keys are ignored."""
    made = Environment.from_json({"name": "mine", "python": None, "surprise": 1})

    assert (made.docker.base_image, made.docker.shm_size, made.environment_variables) == (None, None, {})
    assert made.python.conda_dependencies is None
    assert Environment.from_json(made.to_json()).to_json() == made.to_json()


def test_one_base_at_a_time(caplog):
    """Setting the base image resets the base Dockerfile, and the other way round."""
    made = Environment("mine")

    made.docker.base_dockerfile = "FROM python:3.11"
    first = (made.docker.base_image, made.docker.base_dockerfile)
    made.docker.base_image = "own:1"

    assert first == (None, "FROM python:3.11")
    assert (made.docker.base_image, made.docker.base_dockerfile) == ("own:1", None)
    assert [record.message for record in caplog.records] == [
        "Property base_image is mutually exclusive with base_dockerfile. Reset base_image to None",
        "Property base_dockerfile is mutually exclusive with base_image. Reset base_dockerfile to None",
    ]


def test_a_dockerfile_is_text_a_path_or_a_file(folder):
    Path("Dockerfile").write_text("FROM python:3.11\n")
    with Path("Dockerfile").open() as file:
        made = [Environment.from_dockerfile("mine", given) for given in ("FROM python:3.11\n", "Dockerfile", file)]

    assert [each.docker.base_dockerfile for each in made] == ["FROM python:3.11\n"] * 3
    assert [each.python.user_managed_dependencies for each in made] == [True] * 3


def test_a_docker_image(folder):
    """An image with its own packages is taken as it is, and one with a file of packages gets them."""
    Path("requirements.txt").write_text("numpy\n")
    registry = ContainerRegistry()
    registry.address = "registry.example.com"

    own = Environment.from_docker_image("mine", "own:1", container_registry=registry)
    more = Environment.from_docker_image("mine", "own:1", pip_requirements="requirements.txt")

    assert own.docker.base_image_registry.address == "registry.example.com"
    assert (own.python.user_managed_dependencies, more.python.user_managed_dependencies) == (True, False)
    assert [*more.python.conda_dependencies.pip_packages] == ["numpy"]
    with pytest.raises(UserErrorException, match="Only one of conda_specification or pip_requirements"):
        Environment.from_docker_image("mine", "own:1", conda_specification="a", pip_requirements="b")


def test_pip_requirements(folder):
    """A requirements file replaces `azureml-defaults`, and adds a requirement for pip."""
    Path("requirements.txt").write_text("--extra-index-url https://example.com\nnumpy==1.26.4\n")

    conda = Environment.from_pip_requirements("mine", "requirements.txt").python.conda_dependencies
    pinned = Environment.from_pip_requirements("mine", "requirements.txt", pip_version="24.0").python.conda_dependencies

    assert ([*conda.pip_packages], [*conda.pip_options]) == (
        ["numpy==1.26.4"],
        ["--extra-index-url https://example.com"],
    )
    assert ([*conda.conda_packages], [*pinned.conda_packages][1:]) == (["python=3.8.13", "pip"], ["pip=24.0"])


def test_conda_specification(folder, caplog):
    """A conda file without Python gets the original's default Python, and a log message says so."""
    Path("environment.yml").write_text("dependencies: [numpy]\n")

    conda = Environment.from_conda_specification("mine", "environment.yml").python.conda_dependencies

    assert [*conda.conda_packages] == ["numpy", "python=3.10.18"]
    assert [record.message for record in caplog.records] == ['No Python version provided, defaulting to "3.10.18"']


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dependecies: []", "Environment error: unknown dependecies key in environment specification"),
        ("- numpy", "Environment error: not a valid YAML structure"),
        ("dependencies: [", "Environment error: not a valid YAML structure"),
    ],
)
def test_a_conda_file_that_is_not_valid(folder, text, said):
    Path("environment.yml").write_text(text)

    with pytest.raises(UserErrorException) as error:
        Environment.from_conda_specification("mine", "environment.yml")

    assert error.value.message.startswith(said)


def test_save_and_load(folder):
    """Saving writes each of the original's three files that has contents, and never a login."""
    made = Environment("mine")
    made.docker.base_dockerfile = "FROM python:3.11\n"
    made.docker.base_image_registry.address = "registry.example.com"
    made.docker.base_image_registry.password = "hunter2"
    made.environment_variables = {"A": "1"}

    made.save_to_directory("saved")
    loaded = Environment.load_from_directory("saved")

    assert sorted(path.name for path in Path("saved").iterdir()) == [
        "BaseDockerfile",
        "azureml_environment.json",
        "conda_dependencies.yml",
    ]
    definition = json.loads(Path("saved/azureml_environment.json").read_text())
    assert ("condaDependencies" in definition["python"], "baseDockerfile" in definition["docker"]) == (False, False)
    assert loaded.to_json() == made.to_json()
    assert not any("hunter2" in path.read_text() for path in Path("saved").iterdir())
    with pytest.raises(FileExistsError):
        made.save_to_directory("saved")
    made.docker.base_image = "own:1"
    made.save_to_directory("saved", overwrite=True)
    assert Environment.load_from_directory("saved").docker.base_image == "own:1"
    with pytest.raises(FileNotFoundError):
        Environment.load_from_directory("nowhere")


def test_registered_versions(ws):
    """Registering the same contents keeps the version, other contents get the next, and no version ever changes."""
    made = Environment("mine")

    first = made.register(ws)
    again = made.register(ws)
    made.environment_variables = {"A": "1"}
    second = made.register(ws)
    made.version = "1"
    with pytest.raises(UserErrorException, match="version 1 is already registered with other contents"):
        made.register(ws)
    named = made.clone("other")
    named.version = "2026-11"
    named.register(ws)

    assert [first.version, again.version, second.version] == ["1", "1", "2"]
    assert Environment.get(ws, "mine").environment_variables == {"A": "1"}
    assert Environment.get(ws, "mine", version="1").environment_variables == {}
    assert Environment.get(ws, "mine", label="Latest").version == "2"
    assert Environment.get(ws, "other", version="2026-11").name == "other"
    assert {name: each.version for name, each in ws.environments.items()} == {"mine": "2", "other": "2026-11"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "none"}, "Environment none is not registered in my-workspace."),
        ({"name": "AzureML-Minimal", "version": "3"}, "Environment AzureML-Minimal version 3 is not registered"),
        ({"name": "mine", "version": "1", "label": "Latest"}, "Only one of version or label can be specified"),
        ({"name": "../mine"}, "'../mine' is not a name or version of an environment"),
        ({"name": "mine", "label": "stable"}, 'Label "stable" is not known'),
    ],
)
def test_not_registered(ws, asked, said):
    with pytest.raises(UserErrorException) as error:
        Environment.get(ws, **asked)

    assert error.value.message.startswith(said)


def test_names():
    with pytest.raises(TypeError, match="Environment name expected str"):
        Environment(None)
    with pytest.raises(UserErrorException, match="Name is required"):
        Environment("mine").clone("")


def test_packages_come_and_go():
    """Packages are added once, and are replaced and removed by name; options are not packages."""
    conda = CondaDependencies.create(
        pip_indexurl="https://example.com/wheels",
        pip_packages=["numpy==1.26.4", "inference-schema[numpy-support]"],
        conda_packages=["scikit-learn", "python=3.11"],
        python_version="3.10",
    )

    conda.add_pip_package("numpy==2.0.0")
    conda.add_pip_package("./wheels/own-1.0-py3-none-any.whl")
    conda.remove_pip_package("own-2.0-py3-none-any.whl")
    conda.remove_pip_package("inference-schema")
    conda.set_pip_option("--find-links https://example.com/others")
    conda.add_channel("conda-forge")
    conda.add_channel("pytorch")
    conda.remove_channel("anaconda")
    conda.add_conda_package("libgomp")
    conda.remove_conda_package("libgomp")

    assert conda.as_dict() == {
        "name": "project_environment",
        "dependencies": [
            "python=3.11",
            {"pip": ["numpy==2.0.0", "--find-links https://example.com/others"]},
            "scikit-learn",
        ],
        "channels": ["conda-forge", "pytorch"],
    }
    assert conda.get_python_version() == "3.11"


def test_packages_on_disk(folder, caplog):
    """A saved conda file is read as the same dependencies, and keys that conda does not have are refused."""
    caplog.set_level(logging.ERROR)
    conda = CondaDependencies.create(pip_packages=["azureml-defaults>=1.0.45", "a @ https://example.com/a.whl"])

    conda.save("conda.yml")

    assert CondaDependencies("conda.yml").as_dict() == conda.as_dict()
    assert "azureml-defaults" in conda.serialize_to_string()
    with pytest.raises(UserErrorException, match="Cannot save a conda environment specification file to a directory"):
        conda.save(".")
    with pytest.raises(UserErrorException, match="to an invalid path"):
        conda.save("none/conda.yml")
    for call, said in (
        (lambda: conda.remove_conda_package("python=3.10.18"), "python must not be removed"),
        (lambda: conda.add_pip_package("--no-deps"), "Invalid package name --no-deps"),
        (lambda: conda.set_pip_option("numpy"), "Invalid pip option numpy"),
        (lambda: CondaDependencies(_underlying_structure={"pip": []}), "unknown pip key"),
        (lambda: CondaDependencies(_underlying_structure=[]), "not a valid YAML structure"),
    ):
        with pytest.raises(UserErrorException, match=said):
            call()
