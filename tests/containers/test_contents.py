"""Check the contents of an image."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .base_image import NAME as BASE_IMAGE
from .builders import Builder, Docker, Image
from .container import container
from .projects import Diabetes, generate, mlpackage

if TYPE_CHECKING:
    from .engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]


def test_the_image_holds_what_it_needs_and_nothing_else(image: Image, members, diabetes: Diabetes) -> None:
    """The image adds readable files of root in two folders only, without pip, compiler, cache or log."""
    base = {member.name for member, _ in members(BASE_IMAGE)}
    added = [(member, head) for member, head in members(image.tag) if member.name not in base]
    assert {
        member.name for member, _ in added if not member.name.startswith(("opt/mlpackage", "var/azureml-app"))
    } == set()
    assert {(member.uid, member.gid) for member, _ in added} == {(0, 0)}
    assert [member.name for member, _ in added if not member.issym() and member.mode & 0o044 != 0o044] == []
    unwanted = ("/pip/", "/setuptools/", ".whl", "/pip-", "/.cache")
    assert [member.name for member, _ in added if any(word in member.name for word in unwanted)] == []
    assert sorted(member.name for member, _ in added if member.name.startswith("var/azureml-app/")) == [
        "var/azureml-app/azureml-models",
        "var/azureml-app/azureml-models/ridge",
        "var/azureml-app/azureml-models/ridge/1",
        "var/azureml-app/azureml-models/ridge/1/ridge.pkl",
        "var/azureml-app/src",
        "var/azureml-app/src/README.md",
        "var/azureml-app/src/score.py",
    ]


def test_compiled_modules_are_valid_whatever_the_time_stamps(image: Image, members) -> None:
    """Every installed module is compiled, and its .pyc has the flag of an unchecked hash (PEP 552)."""
    found = [(member.name, head) for member, head in members(image.tag) if member.name.startswith("opt/mlpackage/")]
    compiled = [(name, head) for name, head in found if name.endswith(".pyc")]
    assert [name for name, head in compiled if struct.unpack("<4xI", head) != (1,)] == []
    assert any("/environment/lib/python3.11/site-packages/sklearn/__pycache__/base" in name for name, _ in compiled)
    assert any("/runtime/mlpackage_runtime/__pycache__/frames" in name for name, _ in compiled)


def test_system_packages_leave_no_trace_of_apt(
    engine: Engine, builder: Builder, system_packages: Path, members
) -> None:
    """The package is installed without apt's lists, caches and logs; variables, labels and requests stay unchanged."""
    tag = f"system-packages:{builder.name}"
    builder.build(generate(system_packages, system_packages / "dist" / builder.name), tag)
    base = {member.name for member, _ in members(BASE_IMAGE)}
    added = {member.name for member, _ in members(tag) if not member.isdir()} - base
    assert "usr/lib/x86_64-linux-gnu/libgomp.so.1" in added
    traces = ("var/cache/", "var/log/", "var/lib/apt/lists/", "tmp/", "root/")
    assert [name for name in added if name.startswith(traces)] == []
    label = engine.run("image", "inspect", "--format", '{{index .Config.Labels "com.example.note"}}', tag)
    assert label == 'costs $5, "really" \\\n'
    with container(engine, tag) as running:
        running.wait_until_ready()
        greeting = 'a "quoted" $HOME \\ #not a comment,  two spaces'
        assert running.score({"some": "thing"}) == {"greeting": greeting, "request": {"some": "thing"}}


@pytest.mark.parametrize(
    "case",
    [
        ("3.12", "true", "this base image has Python 3.11, the lock is for Python 3.12: "),
        ("3.11", "rm /usr/bin/python3", "this base image has no python3: "),
        (
            "3.11",
            "rm -r /usr/lib/python3.11/ensurepip",
            "the Python of this base image cannot make virtual environments: ",
        ),
    ],
    ids=["other Python", "no Python", "no venv"],
)
def test_an_unsuitable_base_image_is_refused_in_words(
    engine: Engine, system_packages: Path, tmp_path: Path, case: tuple[str, str, str]
) -> None:
    """The build stops before it installs anything, and says what is wrong with the base image and what to do."""
    python_version, change, message = case
    (tmp_path / "base").mkdir()
    (tmp_path / "base/Dockerfile").write_text(f"FROM {BASE_IMAGE}\nRUN {change}\n")
    Docker(engine=engine, buildkit=True).build(tmp_path / "base", "unsuitable:1")
    shutil.copytree(system_packages, tmp_path / "project")
    options = ("--base-image", "unsuitable:1", "--python-version", python_version)
    mlpackage(tmp_path / "project", "lock", *options)
    mlpackage(tmp_path / "project", "generate", *options, "--output", str(tmp_path / "context"))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        Docker(engine=engine, buildkit=True).build(tmp_path / "context", "refused:1")
    # The step's output alone: builders also repeat the text of a step that fails.
    assert re.search(rf"^#\d+ [\d.]+ mlpackage: {message}", refused.value.stderr, re.MULTILINE)
