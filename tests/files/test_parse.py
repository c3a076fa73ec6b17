from __future__ import annotations

import pytest

from hatch_mlpackage.files.parse import parse_json, parse_python, parse_toml

DEEP = 100_000


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_json, "[" * DEEP),
        (parse_json, '{"a":' * DEEP),
        (parse_toml, "a = " + "[" * DEEP),
        (lambda text: parse_python(text, "score.py"), "-" * DEEP + "1"),
        (lambda text: parse_python(text, "score.py"), "a" + ".b" * DEEP),
    ],
    ids=["json-lists", "json-tables", "toml", "python-operators", "python-attributes"],
)
def test_nested_without_end(parse, text):
    """A text that nests too deeply for its parser is a ValueError, like other bad input."""
    with pytest.raises(ValueError, match=r"^it is nested too deeply$"):
        parse(text)


def test_what_can_be_read():
    """Valid text is parsed as the standard library parses it."""
    assert parse_json(b'{"a": [1]}') == {"a": [1]}
    assert parse_toml("a = [1]") == {"a": [1]}
    assert parse_python("import a", "score.py").body[0].names[0].name == "a"
