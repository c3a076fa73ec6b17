"""Start each engine once and share it, because engines are expensive."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_diabetes

from .base_image import import_base_image, make_base_image
from .builders import Buildah, Builder, Docker, Image
from .engine import Engine, EngineUnavailableError, run, start, stop
from .projects import PROJECTS, Diabetes, generate, mlpackage


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    directory = Path(tempfile.mkdtemp(prefix="mlp-", dir="/tmp"))
    try:
        running = start(directory)
        import_base_image(running, make_base_image())
        yield running
    except EngineUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs a container engine: {error}")
        pytest.skip(str(error))
    finally:
        stop(directory)


@pytest.fixture(scope="session", params=["classic", "buildkit", "buildah"])
def builder(request: pytest.FixtureRequest, engine: Engine) -> Builder:
    if request.param == "buildah":
        buildah = Buildah(engine=engine, directory=engine.directory / "buildah")  # removed with the engine
        buildah.take_base_image()
        return buildah
    return Docker(engine=engine, buildkit=request.param == "buildkit")


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


@pytest.fixture(scope="session")
def image(builder: Builder, diabetes: Diabetes) -> Image:
    tag = f"diabetes:{builder.name}"
    builder.build(diabetes.original, tag)
    return Image(tag=tag, builder=builder)


@pytest.fixture(scope="session")
def system_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project without model and requirements, with an OS package and values full of special characters."""
    project = tmp_path_factory.mktemp("system-packages") / "project"
    shutil.copytree(PROJECTS / "system-packages", project)
    mlpackage(project, "lock")
    return project


@pytest.fixture
def members(engine: Engine, tmp_path: Path):
    """Give a function that lists an image's file system, as the engine exports it."""

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
