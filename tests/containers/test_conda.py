"""Build images with conda packages from a channel in the context, without a network."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .base_image import make_base_image
from .builders import Buildah, Builder, Docker
from .container import container
from .projects import PROJECTS, generate, mlpackage

if TYPE_CHECKING:
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]

# Debian's Python keeps packages in another folder than every other Python.
AS_UPSTREAM = """\
import site, sys, sysconfig

sysconfig._get_preferred_schemes = lambda: dict.fromkeys(("prefix", "home", "user"), "posix_prefix")
site.addsitedir(f"{sys.prefix}/lib/python3.11/site-packages")
"""
GREETING = """\
def greet(name):
    return "hello " + name + " from {}"
"""
KINDS = (".conda", ".whl")


def files_of_python(conda: Any, base_image: Path) -> dict[str, Any]:
    """Return the files of the base image's own Python as those of a conda package; the image has its libraries."""
    files = {"bin/python": conda.link("python3.11"), "lib/python3.11/site-packages/README": conda.file(b"\n")}
    with tarfile.open(base_image) as tar:
        for member in tar:
            path = member.name.removeprefix("./usr/")
            if path == "bin/python3.11" or (
                path.startswith("lib/python3.11/") and "__pycache__" not in path and member.isreg()
            ):
                content = tar.extractfile(member).read()
                files[path] = conda.file(content, mode=0o755 if member.mode & 0o100 else 0o644)
    del files["lib/python3.11/EXTERNALLY-MANAGED"]
    return files | {"lib/python3.11/sitecustomize.py": conda.file(AS_UPSTREAM.encode())}


@pytest.fixture(scope="session")
def conda_project(conda: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a locked project with its own channel: Python, a Python package, and another package."""
    project = tmp_path_factory.mktemp("conda") / "project"
    shutil.copytree(PROJECTS / "conda-vendored", project)
    channel = conda.channel(project / "channel")
    python = files_of_python(conda, make_base_image())
    channel.add("python", "3.11.2", build="h_cpython", depends=("__glibc >=2.36",), files=python)
    channel.add(
        "greeting",
        "1.0",
        build="pyhd8_0",
        subdir="noarch",
        depends=("python >=3.8", "words"),
        files={"site-packages/greeting.py": conda.file(GREETING.format(conda.placeholder).encode())},
        entry_points=("greet = greeting:greet",),
    )
    channel.add("words", "2.0", extension=".tar.bz2", files={"share/words": conda.file(b"x\n")})
    mlpackage(project, "lock")
    return project


@pytest.fixture(scope="session")
def air_gapped(conda_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the context of the project with a wheelhouse for its pip packages, the server and conda's installer."""
    project = shutil.copytree(conda_project, tmp_path_factory.mktemp("air-gapped") / "project")
    with (project / "pyproject.toml").open("a") as toml:
        toml.write("wheelhouse = true\n")
    mlpackage(project, "lock")
    return generate(project, project / "dist/context")


def test_an_environment_from_a_vendored_channel_scores(
    engine: Engine, builder: Builder, air_gapped: Path, members
) -> None:
    """Without a network the worker runs in conda's environment with pip's packages; the installers do not stay."""
    tag = f"conda:{builder.name}"
    builder.build(air_gapped, tag, network="none")
    with container(engine, tag) as running:
        running.wait_until_ready()
        assert running.score("you") == {
            "greeting": "hello you from /opt/mlpackage/environment",
            "idna": "xn--strae-oqa",
            "prefix": "/opt/mlpackage/environment",
            "packages": ["lib/python3.11/site-packages"],
        }
    made = {member.name for member, _ in members(tag) if member.name.startswith("opt/mlpackage/")}
    assert {"channel", "conda"}.isdisjoint(name.split("/")[2] for name in made if name.count("/") > 1)
    assert [name for name in made if "rattler" in name or "/site-packages/pip" in name or name.endswith(KINDS)] == []
    assert {"opt/mlpackage/environment/bin/greet", "opt/mlpackage/environment/share/words"} <= made


def test_two_builds_are_one_image(engine: Engine, conda_project: Path, tmp_path: Path) -> None:
    """Two builds from nothing have one digest."""
    context = generate(conda_project, tmp_path / "context")
    buildah = Buildah(engine=engine, directory=engine.directory / "buildah-conda")
    buildah.take_base_image()

    assert buildah.build_reproducibly(context, "first:1") == buildah.build_reproducibly(context, "second:1")


def test_a_swapped_package_stops_the_build(engine: Engine, conda_project: Path, tmp_path: Path) -> None:
    """The build compares each package with the lock, and names the one that differs."""
    context = generate(conda_project, tmp_path / "context")
    packages = context / "environment/channel/linux-64"
    shutil.copyfile(next(context.rglob("greeting-*.conda")), packages / "words-2.0-0.tar.bz2")

    with pytest.raises(subprocess.CalledProcessError) as refused:
        Docker(engine=engine, buildkit=True).build(context, "swapped:1")

    url = "file:///opt/mlpackage/channel/linux-64/words-2.0-0.tar.bz2"
    assert f"mlpackage: {url} is not the locked package: it has sha256:" in refused.value.stderr
