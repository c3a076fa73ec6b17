from __future__ import annotations

import os
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, strategies as st

from hatch_mlpackage.files.context_path import wrong_path


@pytest.mark.parametrize("path", ["a", "a b/c.d", "..a/...", "~", "modèle/x", "-a"])
def test_a_path_below_the_folder(path):
    """A path that names a file below the folder everywhere is right."""
    assert wrong_path(path) == ""


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        *(
            (path, "does not name a file below the folder")
            for path in ("", "/a", "a//b", "../a", "a/..", "./a", "a/", "c:/a", "c:a")
        ),
        ("a\\..\\b", "holds a backslash, which some systems read as a folder"),
        *((path, "is not printable UTF-8") for path in ("a\0b", "a\nb", "\ud800", "\x1b")),
    ],
)
def test_a_path_that_leads_elsewhere(path, wrong):
    """A path that leaves the folder, or that a line or another system reads otherwise, is named."""
    assert wrong_path(path) == wrong


@given(st.lists(st.sampled_from(["..", ".", "", "a", "/", "\\", "\0", "~", "c:"]), max_size=6).map("/".join))
def test_a_right_path_stays_below(path):
    """No right path leads out of the folder, on POSIX or on Windows."""
    if not wrong_path(path):
        assert os.path.normpath(f"/top/{path}") == f"/top/{path}"
        assert PurePosixPath(path).parts == PureWindowsPath(path).parts
