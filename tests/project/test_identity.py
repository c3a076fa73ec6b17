"""Names and versions, wherever they come from, are those that packages have; anything else is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st
from packaging.utils import is_normalized_name
from packaging.version import Version

from hatch_mlpackage.errors import MLPackageError, Problems
from hatch_mlpackage.project.identity import is_identity, read_name, read_version
from hatch_mlpackage.project.pyproject import Project

ATTACKS = [
    "1.0\nRUN touch /pwned",
    "1.0\n",
    " 1.0",
    "x/../../../../escaped",
    '1.0";touch pwned',
    "1.0$(id)",
    "1.0`id`",
    "..",
    "",
    "-",
    "1.0\0",
    "1.0\x1b[2J",
    "\u212aernel",
    "1" * 101,
]
TEXT = st.text(st.characters() | st.sampled_from("019.+!-_/\n abc"), max_size=12)


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_names_and_versions(text):
    """The problem names the key and shows the text on one line."""
    problems = Problems()

    assert (read_name(f"{text}/", problems), read_version(text, problems)) == (None, None)
    assert [problem.where for problem in problems.found] == ["project.name", "project.version"]
    assert all(str(problem).isprintable() for problem in problems.found)


@pytest.mark.parametrize("text", [text for text in ATTACKS if text != "1" * 101])
def test_no_project_has_them(tmp_path, text):
    """A project cannot be made with such a name or version, whoever makes it."""
    for identity in ({"name": text}, {"version": text}):
        with pytest.raises(MLPackageError):
            Project(root=tmp_path, **identity)


@pytest.mark.parametrize(
    ("name", "normal"), [("Minimal.Model", "minimal-model"), ("a__b--c", "a-b-c"), ("x", "x"), ("9", "9")]
)
def test_names(problems, name, normal):
    """A name gets its normal form."""
    assert (read_name(name, problems), problems.found) == (normal, ())


@pytest.mark.parametrize(("version", "normal"), [("1.0", "1.0"), ("v1-rc.2", "1rc2"), ("1!2+Ab_c", "1!2+ab.c")])
def test_versions(problems, version, normal):
    """A version gets the form in which Hatch writes it."""
    assert (read_version(version, problems), problems.found) == (normal, ())


@given(TEXT)
def test_any_text(text):
    """Whatever is accepted is normal, and safe in paths, shells and tags."""
    problems = Problems()
    name, version = read_name(text, problems), read_version(text, problems)

    if name is not None:
        assert is_normalized_name(name)
        assert is_identity(name, "0")
    if version is not None:
        assert str(Version(version)) == version
        assert re.fullmatch(r"[0-9A-Za-z.!+]+", version)
    assert len(problems.found) == (name is None) + (version is None)
