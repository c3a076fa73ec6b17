"""Build with models in their own folders, through buildah, as Docker has named contexts from version 23."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .base_image import NAME
from .builders import Buildah
from .container import container
from .projects import PROJECTS, generate, mlpackage

if TYPE_CHECKING:
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

KEYS = f"""entry-script = "score.py"
base-image = "{NAME}"
pin-base-image = false
"""


@pytest.fixture(scope="module")
def buildah(engine: Engine) -> Buildah:
    builder = Buildah(engine=engine, directory=engine.directory / "buildah-named")  # removed with the engine
    builder.take_base_image()
    return builder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give the project, locked for the tests' base image, with models that only their owner may read."""
    copied = shutil.copytree(PROJECTS / "named-models", tmp_path / "project")
    toml = copied / "pyproject.toml"
    toml.write_text(toml.read_text().replace('entry-script = "score.py"\n', KEYS))
    (copied / "models/ridge.bin").chmod(0o600)
    (copied / "models/bert/config.json").chmod(0o600)
    mlpackage(copied, "lock")
    return copied


def test_image_build(engine: Engine, buildah: Buildah, project: Path) -> None:
    """The image has the models, readable for its user, although the context has none."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "hatch_mlpackage",
        "image",
        "build",
        "--engine",
        "buildah",
        "--tag",
        "named:1",
    ]
    subprocess.run(
        [*command, "--project", project, "--", "--network", "host"],
        env={**os.environ, **buildah.environment},
        check=True,
        capture_output=True,
    )
    buildah.hand_over("named:1")

    with container(engine, "named:1") as running:
        running.wait_until_ready()
        assert running.score({}) == {
            "bert/1/bert/config.json": ["{}\n", "0o755"],
            "bert/1/bert/onnx/model.onnx": ["graph", "0o755"],
            "ridge/3/ridge.bin": ["weights", "0o644"],
        }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("ridge.bin", "mlpackage: model-1: other files than expected: build with the model"),
        ("bert/new", "mlpackage: model-2: more files than expected: build with the model"),
    ],
)
def test_another_model_stops_the_build(buildah: Buildah, project: Path, path: str, said: str) -> None:
    """A build by hand with a model that does not match the context fails and names the model's folder."""
    context, models = generate(project, project / "dist/context"), project / "models"
    (models / path).write_text("WEIGHTS")
    named = ("--build-context", f"model-1={models}", "--build-context", f"model-2={models / 'bert'}")

    with pytest.raises(subprocess.CalledProcessError) as refused:
        buildah.build(context, "refused:1", *named)

    assert said in "".join(refused.value.__notes__)
