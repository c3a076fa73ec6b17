from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hatch_mlpackage.project import read_config
from hatch_mlpackage.project.config import keys
from hatch_mlpackage.project.config.keys import Config, Image, Model, Server
from hatch_mlpackage.project.read_config import read_declaration
from hatch_mlpackage.project.target import Target

CHECK = ["config", "project", "problems"]


def found(problems):
    """Return the collected problems as text, in order."""
    return [str(problem) for problem in problems.found]


OTHER_SERVER = (
    "Name an image of Python 3.8 or later, such as python:3.13-slim-bookworm; a copy of it elsewhere may keep that "
    "name."
)


def test_minimal(make_project, problems):
    """A script and a model are enough: Python, base image, platform and the image's name have defaults."""
    config = read_declaration(make_project(dependencies=("numpy",)), problems).config

    assert found(problems) == []
    assert config == Config(
        entry_script="src/score.py",
        python_version="3.12",
        base_image="python:3.12-slim-bookworm",
        dependencies=("numpy",),
        models=(Model(name="ridge", version="1", path="models/ridge.pkl"),),
        image=Image(name="diabetes"),
    )
    assert config.target == Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")
    assert config.lock_path == "locks/requirements.txt"


def test_everything(make_project, problems):
    """Every key is read into the value of its field."""
    project = make_project(
        {
            "source-directory": "./src/",
            "exclude": ["*.csv"],
            "python-version": "3.11",
            "base-image": "registry.example:5000/team/python:3.11-bullseye",
            "platform": "linux/arm64",
            "requirements": ["requirements.in"],
            "dependencies": ["scipy>=1.10"],
            "system-packages": ["libgomp1", "libfoo=1.2-3"],
            "environment-variables": {"OMP_NUM_THREADS": "1"},
            "locker": "pip-tools",
            "lock-directory": "deploy/locks",
            "models": [{"name": "ridge", "version": 3, "path": "./models/ridge.pkl"}],
            "server": {"workers": 2, "scoring-timeout-ms": 1000},
            "image": {"name": "team/ridge:1", "labels": {"team": "risk"}},
        },
        dependencies=("ignored",),
    )

    config = read_declaration(project, problems).config

    assert found(problems) == []
    assert config == Config(
        entry_script="src/score.py",
        source_directory="src",
        exclude=("*.csv",),
        python_version="3.11",
        base_image="registry.example:5000/team/python:3.11-bullseye",
        platform="linux/arm64",
        requirements=("requirements.in",),
        dependencies=("scipy>=1.10",),
        system_packages=("libgomp1", "libfoo=1.2-3"),
        environment_variables={"OMP_NUM_THREADS": "1"},
        locker="pip-tools",
        lock_directory="deploy/locks",
        models=(Model(name="ridge", version="3", path="models/ridge.pkl"),),
        server=Server(workers=2, scoring_timeout_ms=1000),
        image=Image(name="team/ridge:1", labels={"team": "risk"}),
    )
    assert config.target == Target(python="3.11", platform="linux/arm64", libc="manylinux_2_31")


@pytest.mark.parametrize(
    ("table", "python", "base_image"),
    [
        ({"base-image": "python:3.10-slim"}, "3.10", "python:3.10-slim"),
        ({"python-version": "3.13"}, "3.13", "python:3.13-slim-bookworm"),
        ({"python-version": "3.7"}, "3.7", "python:3.7-slim-bookworm"),
        ({"python-version": "3.6"}, "3.6", "python:3.6-slim-bullseye"),
        ({"base-image": "ubuntu:22.04"}, "3.10", "ubuntu:22.04"),
        ({"base-image": "registry.example/team/ubuntu-22.04:1"}, "3.12", "registry.example/team/ubuntu-22.04:1"),
        ({"cuda": "12.4"}, "3.10", "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"),
        ({"cuda": "12.8"}, "3.12", "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04"),
        ({"cuda": "12.8", "python-version": "3.10"}, "3.10", "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04"),
        ({"cuda": "12.4", "base-image": "python:3.11-slim"}, "3.11", "python:3.11-slim"),
        ({"base-image": "python:3.11@sha256:" + "0" * 64}, "3.11", "python:3.11@sha256:" + "0" * 64),
    ],
)
def test_python_and_base_complete_each_other(make_project, problems, table, python, base_image):
    """The base image's tag gives the Python version, and the Python version gives the base image."""
    config = read_declaration(make_project(table), problems).config

    assert found(problems) == []
    assert (config.python_version, config.base_image) == (python, base_image)


@pytest.mark.parametrize(
    ("table", "base", "server", "pythons"),
    [
        ({"python-version": "3.6"}, "python:3.6-slim-bullseye", "python:3.13-slim-bullseye", ("3.6", "3.13")),
        (
            {"base-image": "python:3.7-slim-buster"},
            "python:3.7-slim-buster",
            "python:3.11-slim-buster",
            ("3.7", "3.11"),
        ),
        ({"python-version": "3.8"}, "python:3.8-slim-bookworm", None, ("3.8", "3.8")),
        (
            {"python-version": "3.9", "server": {"base-image": "team/python:3.14-slim"}},
            "python:3.9-slim-bookworm",
            "team/python:3.14-slim",
            ("3.9", "3.14"),
        ),
    ],
)
def test_the_python_of_the_server(make_project, problems, table, base, server, pythons):
    """The server has the model's Python, unless that is too old or the project names another."""
    config = read_declaration(make_project(table), problems).config

    assert problems.found == ()
    assert (config.base_image, config.server.base_image) == (base, server)
    assert (config.target.python, config.server_target.python) == pythons


@pytest.mark.parametrize(
    ("table", "what", "fix"),
    [
        (
            {"python-version": "3.7", "base-image": "team/base:1"},
            (
                "is needed: 'team/base:1' has Python 3.7, which is too old for the server, and its name does not say "
                "which Debian it has."
            ),
            (
                "Name an image of the same system, or of an older one, with Python 3.8 or later, such as "
                "python:3.13-slim-bookworm."
            ),
        ),
        (
            {"python-version": "3.7", "server": {"base-image": "python:3.7-slim"}},
            "'python:3.7-slim' has Python 3.7.",
            OTHER_SERVER,
        ),
        ({"server": {"base-image": "ours:1"}}, "'ours:1' does not say which Python it has.", OTHER_SERVER),
        (
            {"server": {"base-image": "Python 3.13"}},
            "'Python 3.13' is not an image reference.",
            "Write name:tag, such as python:3.13-slim-bookworm.",
        ),
    ],
)
def test_an_image_that_cannot_serve(make_project, problems, table, what, fix):
    """An image without a known, new enough Python is refused as the server's."""
    read_declaration(make_project(table), problems)

    assert list(map(str, problems.found)) == [f"tool.mlpackage.server.base-image: {what} {fix}"]


def test_no_model(make_project, problems):
    """A project may declare no model."""
    assert read_declaration(make_project({"models": []}), problems).config.models == ()
    assert found(problems) == []


def test_a_link_may_lead_outside(make_project, problems, tmp_path):
    """A symbolic link in the project may lead to a model outside of it."""
    (tmp_path / "big.pkl").write_bytes(b"big")
    project = make_project({"models": [{"name": "big", "path": "models/big.pkl"}]})
    (project.root / "models/big.pkl").symlink_to(tmp_path / "big.pkl")

    read_declaration(project, problems)

    assert found(problems) == []


def test_every_check_runs():
    """A check of the configuration that `read_config.py` does not use would never run, and nothing would say so."""
    folder = Path(keys.__file__).parent
    checks = {
        function.name
        for file in folder.glob("check_*.py")
        for function in ast.parse(file.read_text("utf-8")).body
        if isinstance(function, ast.FunctionDef) and [arg.arg.lstrip("_") for arg in function.args.args] == CHECK
    }
    reader = ast.parse(Path(read_config.__file__).read_text("utf-8"))
    used = {node.id for node in ast.walk(reader) if isinstance(node, ast.Name)}

    assert len(checks) > 15
    assert checks - used == set()


@pytest.mark.parametrize(
    ("table", "expected", "note"),
    [
        ({}, "3.11", "The image gets Python 3.11, which .python-version names."),
        ({"python-version": "3.12"}, "3.12", None),
        ({"cuda": "12.6"}, "3.12", "The image gets Python 3.12, that of nvidia/cuda:"),
        (
            {"base-image": "python:3.10-slim"},
            "3.10",
            "The image gets Python 3.10, that of python:3.10-slim;",
        ),
        ({"base-image": "ours:1"}, "3.11", "The image gets Python 3.11, which .python-version names."),
    ],
    ids=["alone", "the table", "cuda", "an official image", "an image that does not say it"],
)
def test_python_version_file(make_project, problems, table, expected, note):
    """`.python-version` counts where neither the table nor the base image says which Python it is."""
    project = make_project(table)
    (project.root / ".python-version").write_text("3.11\n")

    declared = read_declaration(project, problems)

    assert declared.config.python_version == expected
    assert [said.startswith(note) for said in declared.notes] == ([True] if note else [])
    assert problems.found == ()
