from __future__ import annotations

from pathlib import Path

from hatch_mlpackage.cli.reference import common_options, project_options, reference

PAGE = Path(__file__).parents[2] / "docs/command-line.md"


def between(text, name, new):
    """Replace what stands between two comments of the page."""
    before, begin, rest = text.partition(f"<!-- {name}: begin -->\n")
    _, end, after = rest.partition(f"<!-- {name}: end -->")
    return f"{before}{begin}\n{new}\n\n{end}{after}"


def test_the_page(request):
    """The reference is what the commands say of themselves: `pytest --update-golden` writes it."""
    text = PAGE.read_text(encoding="utf-8")
    for name, new in {"options": common_options, "project": project_options, "verbs": reference}.items():
        text = between(text, name, new().strip())
    if request.config.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == text
