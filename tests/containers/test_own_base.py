"""Build on the user's own base images: a Dockerfile as the first stages, with its own packages and Python."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .base_image import NAME
from .builders import Docker
from .container import container
from .projects import generate, mlpackage

if TYPE_CHECKING:
    from .builders import Builder
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

# Two stages, project files, another user, folder, shell and entry point: everything that could interfere.
DOCKERFILE = f"""\
ARG BASE={NAME}
FROM $BASE AS base
RUN mkdir /made && echo words >/made/words

FROM ${{BASE}}
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY --from=base /made/ /opt/made/
COPY packages/ /opt/packages/
COPY ["tools/enter.sh", "/opt/tools/"]
RUN python3 -m venv --without-pip /opt/own \\
    # Debian's and everybody's
    && cp -r /opt/packages/* /opt/own/lib/python3.11/site-packages/
ENV PATH=/opt/own/bin:$PATH CUDA_HOME=/nowhere
USER 1234
WORKDIR /home
ENTRYPOINT ["/opt/tools/enter.sh"]
"""
SCRIPT = """\
import os, sys
import own_package


def init():
    pass


def run(data):
    return {"data": data, "package": own_package.NAME, "prefix": sys.prefix, "cuda": os.environ["CUDA_HOME"]}
"""
PYPROJECT = """\
[project]
name = "own-base"
version = "1.0"

[tool.mlpackage]
entry-script = "score.py"
python-version = "3.11"
base-dockerfile = "base.Dockerfile"
pin-base-image = false  # the tests make an image of that name
user-managed-dependencies = true
cuda = "12.4"
"""


@pytest.fixture(scope="module")
def own_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("own-base")
    for path, text in {
        "base.Dockerfile": DOCKERFILE.replace("\n", "\r\n"),
        "packages/own_package.py": "NAME = 'brought along'\n",
        "tools/enter.sh": "#!/bin/sh\nexit 9\n",
        "score.py": SCRIPT,
        "pyproject.toml": PYPROJECT,
    }.items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_bytes(text.encode())
    (project / "tools/enter.sh").chmod(0o755)
    return project


def test_a_dockerfile_and_its_own_packages(engine: Engine, builder: Builder, own_base: Path, tmp_path: Path) -> None:
    """Each builder makes the base image first; the worker runs its Python, and the image serves as any other."""
    tag = f"own-base:{builder.name}"
    options = ["--layers=false"] if builder.name == "buildah" else []  # each layer that it keeps takes seconds

    builder.build(generate(own_base, tmp_path / "context"), tag, *options)

    with container(engine, tag) as running:
        running.wait_until_ready()
        assert running.score([1]) == {
            "data": "[1]",
            "package": "brought along",
            "prefix": "/opt/own",
            "cuda": "/nowhere",
        }
    config = json.loads(engine.run("image", "inspect", "--format", "{{json .Config}}", tag))
    assert (config["User"], config["WorkingDir"]) == ("1000:0", "/var/azureml-app")
    assert {"NVIDIA_VISIBLE_DEVICES=all", "MLPACKAGE_WORKER_PYTHON=python"} <= set(config["Env"])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("python-version", "3.12", "this base image has Python 3.11, python-version says 3.12: correct one of them"),
        ("interpreter-path", "/opt/conda/bin/python", "this base image has no /opt/conda/bin/python: set interpreter"),
        ("interpreter-path", "/root/own/bin/python", "the user 1000:0 may not run /root/own/bin/python: install that"),
    ],
)
def test_a_python_that_cannot_serve(
    engine: Engine, own_base: Path, tmp_path: Path, key: str, value: str, said: str
) -> None:
    """The build stops with one sentence if the image's Python is missing, out of reach, or another version."""
    lines = [line for line in PYPROJECT.splitlines() if not line.startswith(key)]
    dockerfile = f"{DOCKERFILE}USER 0\nRUN chmod 700 /root && python3 -m venv --without-pip /root/own\n"
    (own_base / "pyproject.toml").write_text("\n".join([*lines, f'{key} = "{value}"']))
    (own_base / "base.Dockerfile").write_text(dockerfile)
    mlpackage(own_base, "generate", "--output", str(tmp_path / "context"))

    with pytest.raises(subprocess.CalledProcessError) as refused:
        Docker(engine=engine, buildkit=True).build(tmp_path / "context", "refused:1")

    assert f"mlpackage: {said}" in refused.value.stdout + refused.value.stderr
