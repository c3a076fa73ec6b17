from __future__ import annotations

import itertools
import re

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from poetry.core.constraints.version import Version, parse_constraint
from poetry.core.packages.utils.utils import create_nested_marker

from hatch_mlpackage.project.other_tools.poetry_versions import python_marker, specifier

NUMBERS = (
    "0",
    "1",
    "2",
    "0.0",
    "0.1",
    "0.3",
    "1.0",
    "1.2",
    "2.0",
    "0.0.0",
    "0.0.3",
    "0.2.3",
    "1.2.3",
    "1.2.0",
    "1.2.3.4",
)
OPERATORS = ("^", "~", "~=", "", "=", "==", "!=", ">=", "<=", ">", "<", "^ ", ">= ")
SINGLE = [f"{operator}{number}" for operator, number in itertools.product(OPERATORS, NUMBERS)]
OTHERS = (
    *("*", "x", "1.*", "1.2.*", "==1.2.*", "!=1.2.*", "0.*", "1.*.*", ">=1.2.*", "v1.2.3", "^v1.2"),
    *(">=1.0,<2.0", ">=1.0, <2.0", ">=1.0 <2.0", ">= 1.0 , < 2", "^1.2,!=1.2.5", ">=1,<2,", "~1.2 , !=1.2.3"),
    *("^1.0rc1", "~1.2b1", ">=1.0a1,<2", "1.0.post1", "^1!2.0", "^2.0.dev1", "1.2.3-beta.2"),
    *(
        "^1.2 || ^2.0",
        "^1.2|^2.0",
        ">=1,<2 || >=1.5,<3",
        "1.* || 2.*",
        "^1 || *",
        ">=2 || ^1.5",
        "<1 || >=1",
        "~1.2||~1.3",
    ),
)
FINAL = [
    *(f"{a}.{b}" for a in range(4) for b in range(5)),
    *(f"{a}.{b}.{c}" for a in range(4) for b in range(4) for c in range(6)),
    *("1.2.3.3", "1.2.3.4", "1.2.3.5", "1.2.4.0", "1.3.0.0", "1!2.0", "1!2.5", "1!3.0"),
]
UNFINISHED = [
    "1.0a1",
    "1.0rc1",
    "1.0rc2",
    "2.0rc1",
    "1.2b1",
    "1.2b2",
    "1.3b1",
    "2.0.dev1",
    "2.0.dev2",
    "2.0a1",
    "1.2.3b2",
]


@pytest.mark.parametrize("constraint", [*SINGLE, *OTHERS])
def test_as_poetry_reads_it(constraint: str) -> None:
    """A constraint allows the same versions as in Poetry's own reader; a union only leaves out unfinished ones."""
    poetry, ours = parse_constraint(constraint), SpecifierSet(specifier(constraint))
    versions = FINAL if "|" in constraint or ".*" in constraint else [*FINAL, *UNFINISHED]

    allowed = [version for version in versions if ours.contains(version, prereleases=True)]

    assert allowed == [version for version in versions if poetry.allows(Version.parse(version))]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("^1.2.3", ">=1.2.3,<2.0"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0", ">=0,<1.0"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2.0"),
        ("1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        ("*", ""),
        ("^1.10 || ^2.0", ">=1.10,<3.0"),
    ],
)
def test_how_it_is_written(constraint: str, expected: str) -> None:
    """The specifiers are those that a person would write."""
    assert specifier(constraint) == expected


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        ("", "an empty constraint"),
        ("^1 || ^3", "'^1 || ^3' has a gap, which one requirement of pip cannot express"),
        ("1.0 || 1.5", "'1.0 || 1.5' joins more than ranges, which one requirement of pip cannot express"),
        ("latest", "'latest' is not a version"),
        ("<>1.0", "'<>1.0' is not a version constraint"),
        ("1.0 - 2.0", "'-' is not a version"),
        ("^", "'^' is not a version constraint"),
        (">=1.0+cpu", "'>=1.0+cpu' is not a version constraint: Invalid specifier: '>=1.0+cpu'"),
    ],
)
def test_what_pip_cannot_express(constraint: str, reason: str) -> None:
    """What is no constraint of Poetry, or has no requirement of pip that means the same, is refused with the reason."""
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        specifier(constraint)


PYTHONS = [f"3.{minor}.{patch}" for minor in range(6, 15) for patch in (0, 1, 7)] + ["2.7.18"]


@pytest.mark.parametrize(
    "constraint",
    [
        *(
            "^3.9",
            "~3.9",
            ">=3.8,<3.12",
            ">=3.9",
            "<3.11",
            "3.9.*",
            "~2.7 || ^3.6",
            "^3.9.1",
            ">3.9",
            "<=3.9",
            "!=3.9.*",
        ),
        *("3.10", "~3.9.1", "!=3.9.*", ">=3.9,!=3.9.7", "*", "^3.8 || *", ">=3.7.1,<3.11", "3.*"),
    ],
)
def test_python_constraints(constraint: str) -> None:
    """The marker holds for the releases of Python for which the one holds that Poetry makes of a constraint."""
    ours = python_marker(constraint)
    poetry = create_nested_marker("python_version", parse_constraint(constraint))

    def holds(marker: str, version: str) -> bool:
        environment = {"python_version": version.rpartition(".")[0], "python_full_version": version}
        return not marker or Marker(marker).evaluate(environment)

    assert [it for it in PYTHONS if holds(ours, it)] == [it for it in PYTHONS if holds(poetry, it)]
