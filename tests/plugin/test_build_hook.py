"""Enable the hook: the front ends that build wheels write the context beside them."""

from __future__ import annotations

import os
import sys

import pytest

from hatch_mlpackage.context.verify import verify_context

HATCHLING = [sys.executable, "-m", "hatchling", "build"]
CONTEXT = "minimal-model-1.0-context"
WHEEL = "minimal_model-1.0-py3-none-any.whl"


@pytest.fixture
def hooked(copy_project):
    """Give the smallest project with the hook enabled."""
    root = copy_project("minimal")
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write("\n[tool.hatch.build.targets.wheel.hooks.mlpackage]\n")
    return root


@pytest.mark.parametrize(
    "command",
    [
        [*HATCHLING, "-t", "wheel"],
        [sys.executable, "-m", "build", "--wheel", "--no-isolation"],
        [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--offline"],
    ],
    ids=["hatchling", "build", "uv"],
)
def test_a_wheel_brings_its_context(hooked, command, succeed):
    """Each front end leaves the wheel and a context that verifies side by side."""
    succeed(command, hooked, env={**os.environ, "VIRTUAL_ENV": sys.prefix})

    made = {path.name for path in (hooked / "dist").iterdir()} - {".gitignore"}
    assert made == {CONTEXT, WHEEL}
    assert verify_context(hooked / "dist" / CONTEXT) == ()


def test_the_wheel_is_what_it_would_be(hooked, copy_project, succeed):
    """The hook does not change the wheel."""
    plain = copy_project("minimal", "plain")
    for root in (hooked, plain):
        succeed([*HATCHLING, "-t", "wheel"], root)

    assert (hooked / "dist" / WHEEL).read_bytes() == (plain / "dist" / WHEEL).read_bytes()


def test_by_way_of_the_sdist(hooked, run):
    """A build from an sdist that lacks the ignored model fails with the reason and the fix, and leaves no wheel."""
    (hooked / ".gitignore").write_text("models/\n")

    result = run([sys.executable, "-m", "build", "--no-isolation"], hooked)

    assert result.returncode == 1
    assert "This is an unpacked source distribution, which holds no ignored files" in result.stderr + result.stdout
    assert [path.name for path in (hooked / "dist").iterdir()] == ["minimal_model-1.0.tar.gz"]


def test_by_way_of_an_sdist_with_its_model(hooked, succeed):
    """When the sdist holds the model, `python -m build` makes sdist, wheel and context."""
    (hooked / ".gitignore").unlink()

    succeed([sys.executable, "-m", "build", "--no-isolation"], hooked)

    assert sorted(path.name for path in (hooked / "dist").iterdir()) == [
        CONTEXT,
        WHEEL,
        "minimal_model-1.0.tar.gz",
    ]


def test_a_mistake_costs_no_wheel(hooked, run):
    """A problem is found before the wheel is made, so that no wheel is left."""
    (hooked / "locks/requirements.txt").unlink()

    result = run([*HATCHLING, "-t", "wheel"], hooked)

    assert result.returncode == 1
    assert (
        "Error[lock]: The lock cannot be used:\n"
        "  locks/requirements.txt is missing.\n  Run `mlpackage lock` and commit the result."
    ) in result.stderr
    assert not list((hooked / "dist").glob("*.whl"))


def test_an_editable_install_writes_none(hooked, succeed):
    """An editable build makes no context and needs no lock."""
    (hooked / "locks/requirements.txt").unlink()

    succeed([*HATCHLING, "-t", "wheel:editable"], hooked)

    assert not (hooked / "dist" / CONTEXT).exists()


def test_keys_in_the_hooks_table(hooked, run):
    """Our keys in Hatch's table are refused, and the error names the table where they belong."""
    with (hooked / "pyproject.toml").open("a") as pyproject:
        pyproject.write("enable-by-default = true\nmodels = []\n")

    result = run([*HATCHLING, "-t", "wheel"], hooked)

    assert result.returncode == 1
    assert (
        "tool.hatch.build.targets.wheel.hooks.mlpackage.models: belongs in [tool.mlpackage]. Move it there."
        in result.stderr
    )
