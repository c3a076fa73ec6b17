from __future__ import annotations

import pytest


@pytest.mark.parametrize("plain", [True, False])
def test_a_key_with_control_characters(project, mlpackage, change, plain, monkeypatch):
    """An error shows control characters of a file as escapes, on a terminal too, and never sends them."""
    change(project / "pyproject.toml", "[tool.mlpackage]", '[tool.mlpackage]\n"\\u001b[2J" = 1\n"a\\rb" = 1')
    monkeypatch.setattr("hatch_mlpackage.cli.errors.on_terminal", lambda *, stderr: not plain)

    outcome = mlpackage("check")

    assert outcome.status == 1
    assert "tool.mlpackage.\\x1b[2J: unknown key." in outcome.err
    assert "tool.mlpackage.a\\rb: unknown key." in outcome.err
    assert ("\x1b[2J" in outcome.err, "\r" in outcome.err) == (False, False)
