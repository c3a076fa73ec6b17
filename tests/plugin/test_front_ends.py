"""Run front ends that install the plugin into environments of their own."""

from __future__ import annotations

import os
import sys

import pytest

from hatch_mlpackage.context.verify import verify_context

CONTEXT = "minimal-model-1.0-context"
WHEEL = "minimal_model-1.0-py3-none-any.whl"


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "made"),
    [
        (["-m", "hatch", "build", "-t", "mlpackage"], {CONTEXT}),
        (["-m", "hatch", "build"], {CONTEXT, WHEEL, "minimal_model-1.0.tar.gz"}),
        (["-m", "build"], {CONTEXT, WHEEL, "minimal_model-1.0.tar.gz"}),
        (["-m", "uv", "build", "--no-config"], {CONTEXT, WHEEL, "minimal_model-1.0.tar.gz"}),
    ],
    ids=["hatch-target", "hatch", "build", "uv"],
)
def test_front_ends_in_isolation(copy_project, our_wheel, tmp_path, command, made, succeed, change):
    """Each front end installs the plugin into an isolated environment and puts the context beside the wheel."""
    root = copy_project("minimal")
    change(root / "pyproject.toml", '"hatch-mlpackage"]', f'"hatch-mlpackage @ {our_wheel.as_uri()}"]')
    (root / ".gitignore").unlink()
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write("\n[tool.hatch.build.targets.wheel.hooks.mlpackage]\n")

    succeed([sys.executable, *command], root, env={**os.environ, "HATCH_DATA_DIR": str(tmp_path / "hatch")})

    assert {path.name for path in (root / "dist").iterdir()} - {".gitignore"} == made
    assert verify_context(root / "dist" / CONTEXT) == ()
