"""Keys of ours in a table where nothing would read them are an error for every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.files.parse import parse_toml
from hatch_mlpackage.project.read_config import read_declaration

MOVE = "belongs in [tool.mlpackage]. Move it there."
NOT_HATCHS = "is not one of Hatch's keys."
TARGET = "tool.hatch.build.targets.mlpackage"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'[{TARGET}]\npython-version = "3.11"', f"{TARGET}.python-version: {MOVE}"),
        (f"[{TARGET}]\nversion = []", f"{TARGET}.version: {NOT_HATCHS} Did you mean 'versions'?"),
        (
            f"[{TARGET}]\ncolour = 1",
            f"{TARGET}.colour: {NOT_HATCHS} Declare what goes into the context in [tool.mlpackage].",
        ),
        (
            "[tool.hatch.build.hooks.mlpackage]\nmodels = []",
            f"tool.hatch.build.hooks.mlpackage.models: {MOVE}",
        ),
        (
            "[tool.hatch.build.targets.sdist.hooks.mlpackage]\ninclude = []",
            f"tool.hatch.build.targets.sdist.hooks.mlpackage.include: {MOVE}",
        ),
        ("[tool.mlpackages]", "tool.mlpackages: is a table that nothing reads. Did you mean [tool.mlpackage]?"),
        ("[tool.mlpakage]", "tool.mlpakage: is a table that nothing reads. Did you mean [tool.mlpackage]?"),
        (
            "[tool.hatch-mlpackage]",
            "tool.hatch-mlpackage: is a table that nothing reads. Did you mean [tool.mlpackage]?",
        ),
    ],
)
def test_in_the_wrong_table(make_project, problems, text, expected):
    """Each key, and each table whose name is like ours, is named with the place where it belongs."""
    read_declaration(make_project(tool=parse_toml(text)["tool"]), problems)

    assert [str(problem) for problem in problems.found] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        f"[{TARGET}]\ndirectory = 'out'\nversions = ['standard']",
        "[tool.hatch.build.targets.wheel.hooks.mlpackage]\nenable-by-default = false",
        "[tool.package]\n[tool.mlflow]\n[tool.poetry]",
        "[tool]\nhatch = 3",
        "[tool.hatch.build]\ntargets = []",
    ],
)
def test_other_tables(make_project, problems, text):
    """What Hatch reads, and the tables of other tools, are none of our business."""
    read_declaration(make_project(tool=parse_toml(text)["tool"]), problems)

    assert problems.found == ()


@pytest.mark.parametrize("verb", ["check", "plan", "generate", "lock"])
def test_every_verb(project: Path, mlpackage, verb):
    """Each verb names the line of the key, as Hatch's own builds do."""
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.hatch.build.hooks.mlpackage]\npython-version = "3.11"\n')
    line = len((project / "pyproject.toml").read_text(encoding="utf-8").splitlines())

    outcome = mlpackage(verb)

    where = f"pyproject.toml:{line}: tool.hatch.build.hooks.mlpackage.python-version"
    assert (outcome.status, outcome.err.splitlines()[1]) == (1, f"  {where}: {MOVE}")


def test_nothing_but_a_typo(tmp_path: Path, mlpackage):
    """A project whose only table is misspelt is told which table was meant."""
    (tmp_path / "pyproject.toml").write_text('[tool.mlpackages]\nentry-script = "score.py"\n', encoding="utf-8")

    outcome = mlpackage("check", "--project", tmp_path)

    said = "has nothing in [tool.mlpackage], but has [tool.mlpackages], which nothing reads."
    place = f"{tmp_path / 'pyproject.toml'}: {said} Did you mean [tool.mlpackage]?"
    assert outcome.err == f"Error[failed]: mlpackage check failed:\n  {place}\n"
    assert outcome.status == 1
