from __future__ import annotations

import pytest

from .configurations import PROJECT


@pytest.fixture
def root(tmp_path):
    """Write the project that the configurations belong to."""
    top = tmp_path / "project"
    for name, text in PROJECT.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return top
