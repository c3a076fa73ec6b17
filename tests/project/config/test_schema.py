"""The JSON Schema and the tables of keys: both are made from the classes that read the table."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from validate_pyproject import errors, plugins
from validate_pyproject.api import Validator

from hatch_mlpackage.project.config.schema import key_tables, tool_schema

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "hatch_mlpackage/schema.json"
REFERENCE = ROOT / "docs/configuration.md"


def expect(path, text, request):
    """Compare a file with the expected text, or write it with `pytest --update-golden`."""
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_the_schema_that_is_shipped(request):
    """The shipped schema is the one that the configuration's classes give."""
    expect(SCHEMA, json.dumps(tool_schema(), indent=2) + "\n", request)


def test_the_reference(request):
    """The documentation lists exactly the keys that the configuration has."""
    before, middle, rest = REFERENCE.read_text(encoding="utf-8").partition("<!-- keys: begin -->\n")
    _, end, after = rest.partition("<!-- keys: end -->")
    tables = "\n".join(f"### `{header}`\n\n{table}\n" for header, table in key_tables().items())

    expect(REFERENCE, f"{before}{middle}\n{tables}\n{end}{after}", request)


def validate(text):
    """Validate a pyproject.toml as `validate-pyproject` does, with whatever plugins are installed."""
    return Validator()(tomllib.loads('[project]\nname = "a"\nversion = "1"\n' + text))


def test_validate_pyproject_finds_it():
    """validate-pyproject finds the schema under the tool's name."""
    assert "mlpackage" in {plugin.tool for plugin in plugins.list_from_entry_points()}


@pytest.mark.parametrize("project", sorted(path.parent.name for path in ROOT.glob("tests/projects/*/pyproject.toml")))
def test_projects_are_valid(project):
    """The schema accepts every test project."""
    pyproject = tomllib.loads((ROOT / "tests/projects" / project / "pyproject.toml").read_text(encoding="utf-8"))

    assert Validator()(pyproject) == pyproject


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('entry-scrip = "score.py"', "must not contain {'entry-scrip'} properties"),
        ("wheelhouse = 1", "`tool.mlpackage.wheelhouse` must be boolean"),
        ('python-version = "2.7"', "`tool.mlpackage.python-version` must be one of"),
        ('models = [{ name = "a" }]', "`tool.mlpackage.models[0]` must contain ['path'] properties"),
        ("server = { workers = 0 }", "`tool.mlpackage.server.workers` must be bigger than or equal to 1"),
    ],
)
def test_mistakes_are_found(table, message):
    """The schema refuses unknown and missing keys and wrong types and values."""
    with pytest.raises(errors.ValidationError, match=re.escape(message)):
        validate(f"[tool.mlpackage]\n{table}\n")
