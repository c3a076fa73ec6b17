from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.context.package_sources import source_problems
from hatch_mlpackage.project.pyproject import load_project


@pytest.fixture
def levels(project):
    """Give a function that returns the levels of what is found in a script that imports an unlocked package."""
    # Only where the modules of every wheel are known, a module that none has is an error.
    (project / "locks/packages.json").write_text(json.dumps({"idna==3.20": {"modules": ["idna"]}}))
    script = project / "score.py"
    script.write_text(f"import cv2\n{script.read_text()}")

    def find(**table):
        loaded = load_project(project)
        package = inspect_project(replace(loaded, table={**loaded.table, **table}))
        return [(problem.code, problem.level) for problem in source_problems(package)]

    return find


@pytest.mark.parametrize(
    ("table", "level"),
    [
        ({}, "error"),
        ({"extra-dockerfile-steps": ["RUN apt-get update"]}, "error"),
        (
            {"extra-dockerfile-steps": ["RUN /opt/mlpackage/environment/bin/python -m pip install opencv-python"]},
            "warning",
        ),
        ({"extra-dockerfile-steps": ["RUN uv pip install opencv-python"]}, "warning"),
        ({"base-dockerfile": "FROM python:3.12-slim-bookworm\nENV PYTHONPATH=/opt/tools\n"}, "warning"),
        ({"environment-variables": {"PYTHONPATH": "/opt/tools"}}, "warning"),
    ],
)
def test_where_other_modules_may_be(levels, table, level):
    """Where the project itself may add modules to the image, one that no locked package has is only a warning."""
    assert levels(**table)[0] == ("unlocked-import", level)


def test_an_image_with_its_own_packages(levels):
    """Of an image that brings its own packages, no import is known to fail."""
    own = {"user-managed-dependencies": True, "base-image": "registry.example/own:1", "python-version": "3.12"}

    assert levels(**own) == []
