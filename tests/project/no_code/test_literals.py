"""Values from a model's file reach a script as literals of the same value, and as nothing else."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import example, given, settings, strategies as st

from hatch_mlpackage.project.no_code.literals import document, literal, shape, text, texts

ANYTHING = settings(deadline=None, max_examples=300, derandomize=True)
# Halves of characters, too, which pickles may hold.
TEXT = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@ANYTHING
@given(value=TEXT)
@example(value="\U0001f600\n")
@example(value='"""\\')
@example(value="\x7f\u2028\u202e\ud800\udc00\x00\r")
def test_text(value):
    """A string is one line of printable characters, and reads back as it was."""
    written = text(value)

    assert (written.isprintable(), ast.literal_eval(written.encode().decode())) == (True, value)


@ANYTHING
@given(values=st.lists(TEXT, max_size=6))
def test_texts(values):
    """A list of strings reads back as it was, on one line or on several."""
    assert ast.literal_eval(texts(values, name="FEATURES")) == values


@ANYTHING
@given(value=JSON)
def test_literal(value):
    """A value of JSON reads back as it was."""
    assert ast.literal_eval(literal(value)) == value


@ANYTHING
@given(value=TEXT)
def test_text_inside_a_docstring_or_a_comment(value):
    """A string neither ends the docstring or the comment that it stands in, nor changes what follows."""
    program = f'"""Say {text(value)}."""\n# {text(value)}\nx = 1\n'

    assert ast.dump(ast.parse(program).body[1]) == ast.dump(ast.parse("x = 1").body[0])
    assert len(ast.parse(program).body) == 2


@ANYTHING
@given(value=JSON)
def test_document(value):
    """A sample request is JSON that UTF-8 can hold."""
    assert json.loads(document(value).encode()) == value


@pytest.mark.parametrize("sizes", [(), (1,), (2, -1)])
def test_shape(sizes):
    """A shape is a tuple, of one size too."""
    assert ast.literal_eval(shape(sizes)) == sizes
