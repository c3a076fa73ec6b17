"""Source archives on an index, whose own build backend needs no package."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    PackageIndex = Any


@pytest.fixture
def add_archive(index: PackageIndex, make_source: Callable[..., Path], tmp_path: Path) -> Callable[..., str]:
    """Give a function that puts a source archive on the index, and returns its sha256.

    `before` is a part of a program that the backend runs in the project's folder before it makes the wheel.
    """

    def add(name: str, version: str, *requires: str, before: str = "", tag: str = "py3-none-any") -> str:
        folder = make_source(tmp_path / "archives" / f"{name}-{version}", name, version, *requires, tag=tag)
        backend = folder / "backend.py"
        backend.write_text(backend.read_text().replace("    info = f", f"    {before or 'pass'}\n    info = f", 1))
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            archive.add(folder, arcname=f"{name}-{version}")
        file = f"{name}-{version}.tar.gz"
        index.files[file] = content.getvalue()
        return str(index.sha256(file))

    return add
