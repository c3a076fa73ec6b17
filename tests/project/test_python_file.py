from __future__ import annotations

import pytest

from hatch_mlpackage.project.python_file import read_python_version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.11\n", ("3.11", "")),
        ("3.11.4", ("3.11", "")),
        ("# ours\n\n 3.10.2  # old\n3.9.1\n", ("3.10", "")),
        ("cpython-3.12.1-linux-x86_64-gnu\n", ("3.12", "")),
        ("cpython@3.12\n", ("3.12", "")),
        ("python3.9\n", ("3.9", "")),
        ("3.14.0rc1\n", ("3.14", "")),
        ("3.14rc1\n", ("3.14", "")),
        ("pypy3.10-7.3.12\n", ("", "pypy3.10-7.3.12")),
        ("my-env\n", ("", "my-env")),
        ("3\n", ("", "3")),
        (">=3.9\n", ("", ">=3.9")),
        ("", ("", "")),
        (None, ("", "")),
    ],
)
def test_what_the_file_names(text, expected, tmp_path):
    """The first line that is no comment counts, in the spellings of pyenv and uv."""
    if text is not None:
        (tmp_path / ".python-version").write_text(text)

    assert read_python_version(tmp_path) == expected
