from __future__ import annotations

import shutil

import jinja2
import pytest

from hatch_mlpackage.context.image_values import dockerfile_values
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.files.resources import templates_directory
from hatch_mlpackage.files.templates import render
from hatch_mlpackage.lock.check_locks import check_project_images
from hatch_mlpackage.project.pyproject import load_project


@pytest.mark.parametrize("template", ["Dockerfile.j2", "README.md.j2", "dockerignore"])
def test_a_checkout_with_other_line_ends(copy_project, tmp_path, monkeypatch, template):
    """Templates with CRLF line endings render to the same bytes."""
    package = inspect_project(load_project(copy_project("two-models")))
    filled = dockerfile_values(package, check_project_images(package), [])
    values = {
        **filled,
        "gpu": True,
        "logins": ["a"],
        "image_name": "i",
        "named_contexts": {"a": "b"},
        "published": 5001,
        "sample": None,
        "tree": ["    a", "    b"],
    }
    expected = render(template, values)
    copied = shutil.copytree(templates_directory(), tmp_path / "templates")
    for path in (path for path in (copied / "context").rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr("hatch_mlpackage.files.templates.templates_directory", lambda: copied)

    assert render(template, values) == expected


def test_a_name_that_a_template_needs_is_never_empty():
    """A missing value is an error, not an empty line in a Dockerfile."""
    with pytest.raises(jinja2.UndefinedError):
        render("Dockerfile.j2", {})
