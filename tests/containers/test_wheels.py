"""Build images from wheels in the context, from the project itself, and from an index with a password."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .container import container
from .projects import generate, mlpackage

if TYPE_CHECKING:
    from .builders import Builder
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "scoring"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["idna"]

[tool.hatch.build.targets.wheel]
packages = ["scoring"]

[tool.mlpackage]
entry-script = "score.py"
base-image = "python:3.11-slim-bookworm"
pin-base-image = false
"""
LIBRARY = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "lib"
version = "0.5"
"""
SCORE = """
import json

import idna
import lib
import scoring


def init():
    pass


def run(data):
    return [lib.greet(idna.decode(json.loads(data))), scoring.answer]
"""
IN_HOUSE = """
import in_house_scoring_of_a_test


def init():
    pass


def run(data):
    return in_house_scoring_of_a_test.version
"""


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a context with all wheels: from an index, of a local project, of the server, and of the project itself."""
    project = tmp_path_factory.mktemp("wheelhouse") / "project"
    (project / "scoring").mkdir(parents=True)
    (project / "scoring/__init__.py").write_text("answer = 42\n")
    (project / "lib/src/lib").mkdir(parents=True)
    (project / "lib/pyproject.toml").write_text(LIBRARY)
    (project / "lib/src/lib/__init__.py").write_text("def greet(name):\n    return f'hello {name}'\n")
    (project / "score.py").write_text(SCORE)
    keys = 'wheelhouse = true\ninstall-project = true\ndependencies = ["./lib"]\n'
    (project / "pyproject.toml").write_text(PYPROJECT + keys)
    mlpackage(project, "lock")
    return generate(project, project / "dist/context")


def test_a_wheelhouse_needs_no_network(engine: Engine, builder: Builder, wheelhouse: Path, members: Any) -> None:
    """Without a network the image builds and serves, and keeps none of the wheelhouse's wheels."""
    tag = f"wheelhouse:{builder.name}"
    builder.build(wheelhouse, tag, network="none")
    wheels = [member.name for member, _ in members(tag) if member.name.endswith(".whl") and "opt/" in member.name]
    assert wheels == ["opt/mlpackage/project/scoring-1.0-py3-none-any.whl"]
    with container(engine, tag) as running:
        running.wait_until_ready()
        assert running.score("xn--tda") == ["hello ü", 42]


@pytest.fixture
def private(start_index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve a package from an index on loopback that asks for a password, and lock a project with it."""
    index = start_index()
    index.add("in_house_scoring_of_a_test", "0.5")
    index.password = "s3cr3t-w0rd"
    (tmp_path / "pip.conf").write_text(
        f"[global]\nextra-index-url = {index.url_with_password}\ntrusted-host = {index.address}\n"
    )
    project = tmp_path / "project"
    project.mkdir()
    (project / "score.py").write_text(IN_HOUSE)
    keys = 'dependencies = ["in-house-scoring-of-a-test"]\n[tool.mlpackage.image]\nbuilder = "buildkit"\n'
    keys += 'secrets = [{ id = "pip", target = "/etc/pip.conf" }]\n'
    (project / "pyproject.toml").write_text(PYPROJECT + keys)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.url_with_password)
    mlpackage(project, "lock")
    return generate(project, tmp_path / "context"), f"id=pip,src={tmp_path / 'pip.conf'}", index.password


def test_a_password_installs_and_stays_out(engine: Engine, builder: Builder, private: Any, members: Any) -> None:
    """BuildKit and buildah mount pip's settings only for the install; no file or step of the image has them."""
    if builder.name == "classic":
        pytest.skip("the classic builder cannot mount secrets, which the configuration says")
    context, secret, password = private
    tag = f"private:{builder.name}"
    log = builder.build(context, tag, "--secret", secret)
    history = engine.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", tag)
    written = [path for path in [*context.rglob("*"), *context.parent.glob("project/**/*")] if path.is_file()]

    assert [path for path in written if password.encode() in path.read_bytes()] == []
    assert password not in log + history
    assert "etc/pip.conf" not in {member.name for member, _ in members(tag) if member.size}
    with container(engine, tag) as running:
        running.wait_until_ready()
        assert running.score({}) == "0.5"


def test_a_missing_secret_stops_the_build(builder: Builder, private: Any) -> None:
    """Without the secret the builder stops before it installs anything, and names the secret."""
    if builder.name == "classic":
        pytest.skip("the classic builder cannot mount secrets, which the configuration says")
    context, _, _ = private
    with pytest.raises(subprocess.CalledProcessError) as refused:
        builder.build(context, "refused:1", "--no-cache")  # a layer made with a secret may come from the cache
    assert re.search(r"secret.*\bpip\b.*not found|id=pip.*required|no secret.*pip", "".join(refused.value.__notes__))
