from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, strategies, strategies as st

from hatch_mlpackage.files.toml import key_lines, line_of, toml_string


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


TEXT = (
    r'''# a comment with [a.header] and key = "value"
top = 1
"quoted key" = 'it = [is]' # ] }
dotted . 'in part'.c = """
not.a = "key" ""\"""" # two quotes and three
[tool.mlpackage]  # the table
entry-script = "score.py"
requirements = [
  "a", # first, with ] and "quotes"

  'b',
]
environment-variables = { A = "1", "B.C" = '''
    """'''
two
lines''', D.E = 3 }
nested = [ [1, 2], [{x = 1}, {y = [2]}] ]
date = 1979-05-27 07:32:00 # with a space

[[tool.mlpackage.models]]
path = "a"

[tool.mlpackage.models.about]
who = "x"
  [[ tool . "mlpackage".models ]]
  path = "b"
  [[tool.mlpackage.models.parts]]
  n = 1
  [[tool.mlpackage.models.parts]]
  n = 2
[other]
"""
)


def keys_of(value, prefix=""):
    """Yield every key of a TOML value, in the notation of the errors."""
    if isinstance(value, dict):
        for key, below in value.items():
            name = f"{prefix}.{key}" if prefix else key
            yield name
            yield from keys_of(below, name)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield f"{prefix}[{index}]"
            yield from keys_of(below, f"{prefix}[{index}]")


def test_the_lines():
    """Dotted and quoted keys, multi-line arrays, inline tables and nested arrays of tables are all found."""
    lines = key_lines(TEXT)

    assert lines == {
        "top": 2,
        "quoted key": 3,
        "dotted": 4,
        "dotted.in part": 4,
        "dotted.in part.c": 4,
        "tool": 6,
        "tool.mlpackage": 6,
        "tool.mlpackage.entry-script": 7,
        "tool.mlpackage.requirements": 8,
        "tool.mlpackage.requirements[0]": 9,
        "tool.mlpackage.requirements[1]": 11,
        "tool.mlpackage.environment-variables": 13,
        "tool.mlpackage.environment-variables.A": 13,
        "tool.mlpackage.environment-variables.B.C": 13,
        "tool.mlpackage.environment-variables.D": 15,
        "tool.mlpackage.environment-variables.D.E": 15,
        "tool.mlpackage.nested": 16,
        "tool.mlpackage.nested[0]": 16,
        "tool.mlpackage.nested[0][0]": 16,
        "tool.mlpackage.nested[0][1]": 16,
        "tool.mlpackage.nested[1]": 16,
        "tool.mlpackage.nested[1][0]": 16,
        "tool.mlpackage.nested[1][0].x": 16,
        "tool.mlpackage.nested[1][1]": 16,
        "tool.mlpackage.nested[1][1].y": 16,
        "tool.mlpackage.nested[1][1].y[0]": 16,
        "tool.mlpackage.date": 17,
        "tool.mlpackage.models": 19,
        "tool.mlpackage.models[0]": 19,
        "tool.mlpackage.models[0].path": 20,
        "tool.mlpackage.models[0].about": 22,
        "tool.mlpackage.models[0].about.who": 23,
        "tool.mlpackage.models[1]": 24,
        "tool.mlpackage.models[1].path": 25,
        "tool.mlpackage.models[1].parts": 26,
        "tool.mlpackage.models[1].parts[0]": 26,
        "tool.mlpackage.models[1].parts[0].n": 27,
        "tool.mlpackage.models[1].parts[1]": 28,
        "tool.mlpackage.models[1].parts[1].n": 29,
        "other": 30,
    }
    assert set(lines) == set(keys_of(tomllib.loads(TEXT)))


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("tool.mlpackage.models[1].path", 25),
        ("tool.mlpackage.models[1].version", 24),
        ("tool.mlpackage.models[7]", 19),
        ("tool.mlpackage.image.labels.a.b", 6),
        ("tool.hatch.build", 6),
        ("project.dependencies", None),
        ("score.py:1", None),
        ("tool.mlpackage.environment-variables.a[b", 13),
        ("tool.mlpackage.environment-variables.a]", 13),
        ("tool.mlpackage.models[1].x[", 24),
        ("models/a[0].txt:3", None),
        ("[", None),
        ("", None),
    ],
)
def test_a_key_that_is_not_there(key, line):
    """A missing key gets the line of the nearest table or array above it, if any."""
    assert line_of(key, key_lines(TEXT)) == line


def test_other_line_ends():
    """Windows line endings give the same lines."""
    assert key_lines(TEXT.replace("\n", "\r\n")) == key_lines(TEXT)


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[2].glob("tests/projects/*/pyproject.toml")), ids=str)
def test_real_files(path):
    """Every key of every test project is found."""
    text = path.read_text(encoding="utf-8")

    assert set(key_lines(text)) == set(keys_of(tomllib.loads(text)))


WORDS = strategies.sampled_from(["a", "b-1", "c d", 'q"', "é", "", "x.y", "[z]", "#"])
LEAVES = strategies.sampled_from(
    ["1", '"t"', "'l'", '"""m\n]"""', "'''n\n}'''", "true", "1979-05-27 07:32:00", "[]", "{}"]
)
VALUES = strategies.recursive(
    LEAVES,
    lambda below: (
        strategies.lists(below, max_size=3).map(lambda items: f"[ # c]\n {', '.join(items)}\n]")
        | strategies.dictionaries(WORDS, below, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{quoted(key)} = {value}" for key, value in table.items()) + " }"
        )
    ),
    max_leaves=6,
)


def quoted(key):
    return '"' + key.replace('"', '\\"') + '"'


@given(strategies.dictionaries(WORDS, VALUES, max_size=5))
def test_whatever_toml_allows(table):
    """For any nesting, the keys are those that tomllib reads, and each top-level key stands on its line."""
    text = "".join(f"{quoted(key)} = {value}\n" for key, value in table.items())
    lines = key_lines(text)

    assert set(lines) == set(keys_of(tomllib.loads(text)))
    assert all(quoted(key) in text.splitlines()[lines[key] - 1] for key in table)


@given(st.text(st.sampled_from("a.[]0:/") | st.characters(), max_size=20))
def test_the_line_of_any_text(text):
    """Any place that an error names, a file's path too, has the line of a key that it begins with, or none."""
    line = line_of(f"other{text}", {"other": 30})

    assert line == (30 if text[:1] in {"", ".", "["} else None)
