"""Patterns of `.gitignore`: which are wrong, and what the others match."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.files.patterns import matching, wrong_pattern

MALFORMED = ("is not a pattern of .gitignore.", "Correct it, or remove it.")
TOO_MANY = (
    "has so many stars that matching it could take minutes.",
    "Split it into patterns with at most three stars, and two `**`, in each.",
)
USUAL = (
    "*.csv",
    "drafts/",
    "/a",
    "**/*_test_*",
    "**/a/**/b/**",
    "a/*/b/*.py",
    "!keep",
    r"\*\*\*\*\*",
    "#a",
    "",
    "[ab]*",
)


@pytest.mark.parametrize("pattern", ["!", "\\", "a\\", "a[z-a]"])
def test_a_malformed_pattern(pattern):
    """What git would not take is refused, and so is a range that goes backwards."""
    assert wrong_pattern(pattern) == MALFORMED


@pytest.mark.parametrize("pattern", ["*a" * 18 + "*b", "*a*a*a*b", "a****b", "*a*a/*a*a*", "**/a/**/a/**/b"])
def test_a_pattern_with_too_many_stars(pattern):
    """A pattern whose time to match grows with a high power of the path's length is refused."""
    assert wrong_pattern(pattern) == TOO_MANY


@pytest.mark.parametrize("pattern", USUAL)
def test_a_usual_pattern(pattern):
    """The patterns that people write are taken."""
    assert wrong_pattern(pattern) is None


@pytest.mark.parametrize(("pattern", "path"), [("*a*a*b", "a" * 255), ("**/a/**/b", "a/" * 1000 + "a")])
def test_the_slowest_pattern(pattern, path):
    """The slowest patterns that are taken match the longest names in well under a second."""
    began = time.perf_counter()

    assert not matching([pattern])(path)
    assert time.perf_counter() - began < 2


def test_a_wrong_pattern_matches_nothing():
    """A wrong pattern, which is reported elsewhere, leaves the others as they are."""
    matches = matching(["a[z-a]", "*.csv", "!"])

    assert [matches(path) for path in ("a.csv", "a", "!")] == [True, False, False]
    assert not matching(())("a")


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(st.sampled_from("ab*?[]!\\/-#^ ."), max_size=12))
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_any_pattern(pattern):
    """Whatever the pattern, it is either refused or can be matched."""
    matching([pattern])("a/b-a.b")
