from __future__ import annotations

import jinja2
import pytest

from hatch_mlpackage.render import quote_for_dockerfile, render


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("1", '"1"'),
        ("", '""'),
        ("good morning!!!", '"good morning!!!"'),
        ('say "hi"', r'"say \"hi\""'),
        ("C:\\models\\", r'"C:\\models\\"'),
        ("$HOME ${PATH}", r'"\$HOME \${PATH}"'),
        ("it's #1 `x`", '"it\'s #1 `x`"'),
    ],
)
def test_quote_for_dockerfile(value, quoted):
    """A value is neither split nor expanded by the builder."""
    assert quote_for_dockerfile(value) == quoted


def test_a_name_that_a_template_needs_is_never_empty():
    """A value that the caller forgot is an error, not an empty line in a Dockerfile."""
    with pytest.raises(jinja2.UndefinedError):
        render("Dockerfile.j2", {})
