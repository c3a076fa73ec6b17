from __future__ import annotations

import pytest

from hatch_mlpackage.lock.pins.installed import missing_requirements


@pytest.mark.parametrize(
    ("requirement", "missing"),
    [
        ("here", []),
        ("Under.Score>=99", []),
        ("gone", ["gone"]),
        ("gone[extra]>=2,<3", ["gone[extra]<3,>=2"]),
        ("gone; python_version < '3.9'", ["gone"]),
        ("gone; python_version >= '3.9'", []),
        ("gone; sys_platform == 'nowhere'", []),
        ("here @ https://host.example/here.zip", []),
    ],
)
def test_missing_requirements(requirement, missing):
    """What an interpreter needs and lacks is listed as pip takes it, without a marker; another version is there."""
    assert list(missing_requirements([requirement], {"here": "1", "under_score": "2"}, "3.8")) == missing
