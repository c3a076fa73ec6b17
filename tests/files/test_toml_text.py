from __future__ import annotations

import tomllib

import pytest
import tomlkit
from hypothesis import given, strategies as st

from hatch_mlpackage.files.toml_text import toml_string


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("https://host/model.onnx", '"https://host/model.onnx"'),
        ('a "quoted" \\ text\n', r'"a \"quoted\" \\ text\n"'),
        ("modèle\x7f", r'"mod\u00e8le\u007f"'),
        ("\U0001f600", r'"\U0001f600"'),
    ],
)
def test_toml_string(text: str, written: str) -> None:
    """Text is written on one line of ASCII characters."""
    assert toml_string(text) == written


@given(st.text())
def test_every_text_is_read_back(text: str) -> None:
    """Two other readers of TOML find the same text, as a key and as a value."""
    line = f"{toml_string(text)} = {toml_string(text)}\n"

    assert (tomllib.loads(line), tomlkit.parse(line).unwrap()) == ({text: text}, {text: text})
