from __future__ import annotations

import io

import pytest

from hatch_mlpackage.files.yaml_lines import read_yaml, values_of

# Nine aliases in each of nine lists: more entries than any memory holds.
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
STAND_FOR_TOO_MUCH = "file: its aliases stand for more than any such file says, or for themselves. Write them out."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, STAND_FOR_TOO_MUCH),
        ("a: &a [*a]\n", STAND_FOR_TOO_MUCH),
        ("a: &a {b: {c: *a}}\n", STAND_FOR_TOO_MUCH),
        ("a: " + "[" * 100_000, "file: it is nested too deeply. Correct the file."),
    ],
    ids=["bomb", "list-in-itself", "mapping-in-itself", "deep"],
)
def test_files_without_end(problems, text, said):
    """A file that would fill the memory, contains itself or nests too deeply is refused."""
    assert read_yaml(text, "file", problems) is None
    assert [str(problem) for problem in problems.found] == [said]


def test_aliases(problems):
    """An alias has the value that it stands for."""
    node = read_yaml("a: &a [1, 2]\nb: {c: *a, d: *a}\n", "file", problems)

    assert values_of(node) == {"a": [1, 2], "b": {"c": [1, 2], "d": [1, 2]}}


@pytest.mark.parametrize("number", ["1" * 2000, "1" + ":1" * 100_000, "1" + ":1" * 100_000 + ".5"])
def test_long_numbers(problems, number):
    """A number so long that converting it takes minutes is refused at once."""
    node = read_yaml(f"a: [{number}]", "file", problems)

    with pytest.raises(ValueError, match="a number is longer than 1000 characters"):
        values_of(node)


def test_numbers_of_one_hash(problems):
    """Long numbers as keys are refused, as they can make a mapping slow; as values they are read."""
    large = (1 << 61) - 1

    assert values_of(read_yaml(f"a: {large}", "file", problems)) == {"a": large}
    with pytest.raises(ValueError, match="a number is longer than 15 characters"):
        values_of(read_yaml(f"{{{large}: 1, {2 * large}: 2}}", "file", problems))


def test_text_in_pieces(problems):
    """A text may come in pieces of any length."""
    node = read_yaml(io.StringIO("a: [1, two]"), "file", problems)

    assert values_of(node) == {"a": [1, "two"]}
