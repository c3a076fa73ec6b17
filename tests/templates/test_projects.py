"""Baked projects, used as their owners use them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_mlpackage.cli.bake import questions
from hatch_mlpackage.context.verify import verify_context

pytestmark = [pytest.mark.templates, pytest.mark.network, pytest.mark.slow]

FRAMEWORKS = [key for question in questions() if question.key == "framework" for key in question.choices]


def check_and_test(project: Path, succeed: Callable[..., str]) -> None:
    """Do what a project's own CI does before it packages."""
    succeed(project, "-m", "ruff", "check")
    succeed(project, "-m", "ruff", "format", "--check")
    succeed(project, "-m", "mypy")
    succeed(project, "-m", "pytest", "-p", "no:cacheprovider")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_from_training_to_a_context(baked, succeed, framework):
    """A new project trains, passes its own tests and checks, locks, and writes a context beside its wheel.

    A project around the trained model is locked at once and passes its own tests and checks, too.
    """
    project = baked("trained", framework=framework)

    assert "R2" in succeed(project, "train.py")
    check_and_test(project, succeed)
    succeed(project, "-m", "hatch_mlpackage", "lock")
    succeed(project, "-m", "hatch_mlpackage", "check")
    succeed(project, "-m", "hatchling", "build", "-t", "mlpackage", "-t", "wheel", "-t", "sdist")

    made = {"trained-0.1.0-context", "trained-0.1.0-py3-none-any.whl", "trained-0.1.0.tar.gz"}
    assert {path.name for path in (project / "dist").iterdir()} == made
    assert verify_context(project / "dist/trained-0.1.0-context") == ()
    if framework != "python":
        around = ("new", "around", "--model", str(next((project / "models").iterdir())), "--no-input")
        assert "Not locked" not in succeed(project.parent, "-m", "hatch_mlpackage", *around)
        check_and_test(project.parent / "around", succeed)
        succeed(project.parent / "around", "-m", "hatch_mlpackage", "check")


def test_with_conda(baked):
    """A project runs the same files whether conda or pip brings the dependencies."""
    with_pip, with_conda = (baked(name, dependencies=name) for name in ("pip", "conda"))

    ran = [path.relative_to(with_pip) for path in with_pip.rglob("*") if path.suffix in {".py", ".json", ".yaml"}]
    assert [name for name in ran if (with_pip / name).read_bytes() != (with_conda / name).read_bytes()] == []


@pytest.mark.environments
def test_in_isolation(baked, succeed, our_wheel):
    """`hatch build` installs the plugin from an index by the name in the project's pyproject.toml."""
    project = baked(framework="python")
    succeed(project, "train.py")
    succeed(project, "-m", "hatch_mlpackage", "lock")

    places = {name: str(our_wheel.parent) for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS")}
    succeed(project, "-m", "hatch", "build", "-t", "mlpackage", **places, HATCH_DATA_DIR=str(project.parent / "hatch"))

    assert verify_context(project / "dist/my-model-0.1.0-context") == ()


def test_a_retrained_model_is_noticed(baked, succeed):
    """The project's own tests fail when the model on disk is not the one that training saw."""
    project = baked(framework="python")
    succeed(project, "train.py")
    model = project / "models/model.json"
    model.write_text('{"intercept": 0.0, "slope": 1.0}')

    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_train.py"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert outcome.returncode == 1
    assert "1 failed" in outcome.stdout
