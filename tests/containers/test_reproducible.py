"""Images that are built twice from nothing: one digest, whatever the clock says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .builders import Buildah
from .projects import generate

if TYPE_CHECKING:
    from .engine import Engine
    from .projects import Diabetes

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]


@pytest.fixture(scope="module")
def buildah(engine: Engine) -> Buildah:
    builder = Buildah(engine=engine, directory=engine.directory / "buildah-twice")  # removed with the engine
    builder.take_base_image()
    return builder


def touched_copy(context: Path, to: Path) -> Path:
    """Copy a context as a checkout would: elsewhere, with the times of another day."""
    shutil.copytree(context, to)
    for path in to.rglob("*"):
        os.utime(path, (1_900_000_000, 1_900_000_000))
    return to


def test_pip(buildah: Buildah, diabetes: Diabetes, tmp_path: Path) -> None:
    """Both environments of pip, the models and the sources come out the same."""
    again = touched_copy(diabetes.original, tmp_path / "again")

    assert buildah.build_reproducibly(diabetes.original, "pip:1") == buildah.build_reproducibly(again, "pip:2")


def test_apt(buildah: Buildah, system_packages: Path, tmp_path: Path) -> None:
    """Operating system packages leave no log, cache or date behind, while their versions are the same."""
    context = generate(system_packages, tmp_path / "context")
    again = touched_copy(context, tmp_path / "again")

    assert buildah.build_reproducibly(context, "apt:1") == buildah.build_reproducibly(again, "apt:2")
