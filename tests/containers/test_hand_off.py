"""Run `mlpackage image build | run` with real engines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .container import Container, free_port
from .engine import DOCKER, Engine, wait_for

if TYPE_CHECKING:
    from .builders import Builder, Image
    from .projects import Diabetes

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

IMAGE = [sys.executable, "-P", "-m", "hatch_mlpackage", "image"]


@pytest.fixture
def environment(builder: Builder, tmp_path: Path) -> dict[str, str]:
    """Give an environment whose PATH finds the builder."""
    (tmp_path / "docker").symlink_to(DOCKER)
    return {**os.environ, **builder.environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_the_engine_that_works(builder: Builder, environment: dict[str, str], tmp_path: Path) -> None:
    """An engine whose daemon is down is passed over for the one that works, and one that is named is used."""
    if builder.program != "buildah":
        pytest.skip("with a daemon, docker is the first that works")
    down = {**environment, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    ask = "from hatch_mlpackage.serve.container import find_engine; print(find_engine(report=print))"

    said = subprocess.run([sys.executable, "-c", ask], env=down, capture_output=True, text=True, check=True).stdout

    why, *_, engine = said.splitlines()
    assert why.startswith("docker does not work here, so ")
    assert f"{tmp_path}/nobody.sock" in why
    assert engine in {"buildah", "podman"}


def test_image_build(image: Image, diabetes: Diabetes, environment: dict[str, str]) -> None:
    """The engine's command is shown and run, and its image named; the engine gets what follows `--`."""
    program = image.builder.program
    command = [*IMAGE, "build", "--engine", program, "--context", diabetes.original, "--tag", "handed:over"]

    done = subprocess.run(
        [*command, "--", "--network", "host"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    shown = {"docker": "docker build", "buildah": "buildah build --format docker"}[program]
    assert done.stderr.startswith(f"$ {shown} --tag handed:over --network host {diabetes.original}\n")
    assert "Built handed:over." in done.stdout
    listed = subprocess.run(
        [program, "images", "--quiet", "handed:over"], env=environment, capture_output=True, check=True
    )
    assert listed.stdout.strip()


def test_image_build_that_fails(image: Image, diabetes: Diabetes, environment: dict[str, str]) -> None:
    """A failed build shows the engine's own error, and passes its exit status on."""
    command = [*IMAGE, "build", "--engine", image.builder.program, "--context", diabetes.original]

    done = subprocess.run([*command, "--", "--no-such"], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (125, "")
    assert "unknown flag: --no-such" in done.stderr


def test_image_run(engine: Engine, image: Image, diabetes: Diabetes, environment: dict[str, str], close_to) -> None:
    """The image is served until the command is stopped, and no container is left."""
    name, port = f"served-{image.builder.name}", free_port()
    variables = ["--env", f"MLPACKAGE_PORT={port}", "--env", "MLPACKAGE_HOST=127.0.0.1"]
    docker = {**environment, "DOCKER_HOST": engine.address}
    command = [*IMAGE, "run", "--engine", "docker", "--tag", image.tag, "--port", str(port), "--", "--name", name]
    command += ["--network", "host", *variables]
    with subprocess.Popen(command, env=docker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as serving:
        try:
            wait_for(lambda: engine.run("ps", "--quiet", "--filter", f"name={name}"), 30)
            running = Container(engine=engine, id=name, port=port)
            running.wait_until_ready()
            assert running.score(diabetes.request) == close_to(diabetes.predictions)
        finally:
            serving.send_signal(signal.SIGTERM)
            serving.wait(30)
    wait_for(lambda: not engine.run("ps", "--all", "--quiet", "--filter", f"name={name}"), 10)
