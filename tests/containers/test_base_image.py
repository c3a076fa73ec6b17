"""Pull base images by digest with real builders, and build a context that arrives as a tar."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .base_image import NAME
from .container import container
from .engine import DOCKER, Engine, run
from .projects import PROJECTS, generate, mlpackage

if TYPE_CHECKING:
    from .builders import Builder

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """Hold a project whose base image was locked by digest before its tag moved to an unusable image."""

    project: Path
    registry: Any
    digest: str


@pytest.fixture(scope="session")
def pinned(engine: Engine, run_registry: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pinned]:
    directory = tmp_path_factory.mktemp("pinned")
    with run_registry(directory / "registry") as running:
        image = f"{running.host}/team/base"
        digest = push_base_image(engine, running, "team/base")
        project = shutil.copytree(PROJECTS / "system-packages", directory / "project")
        table = (project / "pyproject.toml").read_text().replace(f'base-image = "{NAME}"', f'base-image = "{image}:1"')
        lines = [line for line in table.splitlines() if not line.startswith(("pin-base-image", "system-packages"))]
        (project / "pyproject.toml").write_text("\n".join(lines))
        mlpackage(project, "lock")
        running.push_image("team/base", "1", layer=b"no layer at all")
        yield Pinned(project=project, registry=running, digest=digest)


def push_base_image(engine: Engine, running: Any, repository: str) -> str:
    """Push the tests' base image, and as tag 1 an index that lists it with another; return its digest."""
    pushed = f"{running.host}/{repository}:pushed"
    engine.run("tag", NAME, pushed)
    said = engine.run("push", pushed)
    engine.run("rmi", pushed)
    digest = said.partition("digest: ")[2].split()[0]
    size = int(said.partition("size: ")[2].split()[0])
    other = running.push_image(repository, "other", platform="linux/arm64", oci=False)
    entries = [
        {
            "mediaType": DOCKER_MANIFEST,
            "digest": listed,
            "size": length,
            "platform": {"os": "linux", "architecture": architecture},
        }
        for listed, length, architecture in ((other, 500, "arm64"), (digest, size, "amd64"))
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": entries}).encode()
    running.push_manifest(repository, "1", DOCKER_LIST, index)
    return digest


@pytest.fixture
def plain_http(pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make buildah use plain HTTP for this one registry, because it encrypts even on the loopback."""
    settings = tmp_path / "registries.conf"
    settings.write_text(f'[[registry]]\nlocation = "{pinned.registry.host}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(settings))


@pytest.mark.usefixtures("plain_http")
def test_builders_take_the_locked_digest(engine: Engine, pinned: Pinned, builder: Builder, tmp_path: Path) -> None:
    """Each builder pulls the platform's image by `name:tag@digest`, wherever the tag has moved since."""
    locked = tomllib.loads((pinned.project / "locks/base-image.toml").read_text())
    assert locked["digest"] == pinned.digest
    context = generate(pinned.project, tmp_path / "context")
    line = next(line for line in (context / "Dockerfile").read_text().splitlines() if line.startswith("FROM "))
    assert line == f"FROM {pinned.registry.host}/team/base:1@{pinned.digest}"
    (tmp_path / "pulled").mkdir()
    (tmp_path / "pulled/Dockerfile").write_text(f"{line}\nRUN test -e /usr/bin/python3\n")
    with contextlib.suppress(subprocess.CalledProcessError):  # another builder may have pulled it
        engine.run("rmi", f"{pinned.registry.host}/team/base@{pinned.digest}")
    before = len(pinned.registry.log.read_text())

    builder.build(tmp_path / "pulled", f"pulled:{builder.name}")

    asked = pinned.registry.log.read_text()[before:]
    assert f"/v2/team/base/manifests/{pinned.digest}" in asked
    assert "/v2/team/base/manifests/1 " not in asked


@pytest.mark.parametrize("buildkit", ["0", "1"], ids=["classic", "buildkit"])
def test_docker_builds_a_tar(engine: Engine, pinned: Pinned, tmp_path: Path, buildkit: str) -> None:
    """`docker build -` takes the tar unchanged, and the image serves."""
    archive = tmp_path / "context.tar"
    mlpackage(pinned.project, "generate", "--tar", str(archive))
    command = [DOCKER, "--host", engine.address, "build", "--network", "host", "--tag", f"piped:{buildkit}", "-"]

    with archive.open("rb") as tar:
        run(command, environment={"DOCKER_BUILDKIT": buildkit}, stdin=tar)

    with container(engine, f"piped:{buildkit}") as running:
        running.wait_until_ready()
        assert running.score({"some": "thing"})["request"] == {"some": "thing"}


def test_a_private_registry(engine: Engine, run_registry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's login locks the base image; elsewhere a build needs the login from the context's README."""
    project = shutil.copytree(PROJECTS / "base-dockerfile", tmp_path / "project")
    shutil.rmtree(project / "locks")
    (tmp_path / "file").write_text("of a base image")
    with run_registry(tmp_path / "registry", with_password=True) as running:
        image = f"{running.host}/team/base:1"
        login = ["login", running.host, "--username", running.user, "--password", running.password]
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "here"))
        engine.run(*login)
        run(["tar", "--directory", str(tmp_path), "--create", "--file", str(tmp_path / "base.tar"), "file"])
        engine.run("import", tmp_path / "base.tar", image)
        engine.run("push", image)
        engine.run("rmi", image)
        base = f'base-dockerfile = "FROM {image}"\npython-version = "3.11"'
        toml = (project / "pyproject.toml").read_text()
        (project / "pyproject.toml").write_text(toml.replace('base-dockerfile = "docker/base.Dockerfile"', base))
        mlpackage(project, "lock")
        context = generate(project, tmp_path / "context")
        lines = (context / "Dockerfile").read_text().splitlines()
        (tmp_path / "pulled").mkdir()
        (tmp_path / "pulled/Dockerfile").write_text(next(f"{it}\nENV A=1\n" for it in lines if it.startswith("FROM ")))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "elsewhere"))

        with pytest.raises(subprocess.CalledProcessError):
            engine.run("build", tmp_path / "pulled", environment={"DOCKER_BUILDKIT": "0"})
        assert f"    docker login {running.host}" in (context / "README.md").read_text().splitlines()
        engine.run(*login)
        engine.run("build", tmp_path / "pulled", environment={"DOCKER_BUILDKIT": "0"})

    password = running.password.encode()
    assert [path for path in context.rglob("*") if path.is_file() and password in path.read_bytes()] == []
