"""Patterns that are refused, with the key."""

from __future__ import annotations

import pytest

from hatch_mlpackage.project.read_config import read_declaration


@pytest.mark.parametrize("key", ["exclude", "allowed-secrets", "allowed-links"])
def test_patterns(make_project, problems, key):
    """Each wrong pattern of each key is reported with its place in the array."""
    read_declaration(make_project({key: ["*.csv", "a[z-a]", "!", "*a*a*a*a"]}), problems)

    assert list(map(str, problems.found)) == [
        f"tool.mlpackage.{key}[1]: 'a[z-a]' is not a pattern of .gitignore. Correct it, or remove it.",
        f"tool.mlpackage.{key}[2]: '!' is not a pattern of .gitignore. Correct it, or remove it.",
        (
            f"tool.mlpackage.{key}[3]: '*a*a*a*a' has so many stars that matching it could take minutes. "
            "Split it into patterns with at most three stars, and two `**`, in each."
        ),
    ]
