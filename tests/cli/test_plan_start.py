from __future__ import annotations

import json
import re
import sys

import pytest

from hatch_mlpackage.cli.program import run

SCRIPT = """
import slow.part
import quick
import own

def init():
    import late

def run(data):
    return data
"""


@pytest.fixture
def slow(project, monkeypatch):
    """A project whose script imports installed modules that wait, and one of its own."""
    site = project / ".venv-of-others/site-packages"
    (site / "slow").mkdir(parents=True)
    for name, seconds in {"slow/__init__": 0.3, "slow/part": 0.4, "late": 0.3, "quick": 0.0}.items():
        (site / f"{name}.py").write_text(f"import time\ntime.sleep({seconds})\n")
    (project / "score.py").write_text(SCRIPT)
    (project / "own.py").write_text("import late\n")
    toml = project / "pyproject.toml"
    source = 'entry-script = "score.py"\nsource-directory = "."\nexclude = [".venv-of-others"]\ncheck = false'
    toml.write_text(toml.read_text().replace('entry-script = "score.py"', source))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.chdir(project)
    return project


def test_the_imports_are_ranked(slow, capfd):
    """A table ranks what the script imports, with its share of the start, and the first line has the times of both."""
    assert run(["plan", "--start", "--python", sys.executable]) == 0
    first, headings, *rows, last = capfd.readouterr().out.splitlines()
    assert re.fullmatch(
        rf"Started in [\d.]+ s with {re.escape(sys.executable)}, of which init\(\) took 0\.\d\d s", first
    )
    assert headings.split("  ") == ["import", "seconds", "of the start"]
    assert [re.sub(r" +[\d.]+ +\d+%", "", row) for row in rows][:2] == ["slow", "late"]
    assert "includes all that it imports" in last


def test_json(slow, capfd):
    """The document has seconds; what an import imports in turn does not count twice, nor does a second import."""
    assert run(["plan", "--start", "--json", "--python", sys.executable]) == 0
    found = json.loads(capfd.readouterr().out)
    ranked = {it["package"]: it["seconds"] for it in found["imports"]}
    assert [*found] == ["python", "total", "init", "imports"]
    assert (found["python"], [*ranked][:2], "own" in ranked) == (sys.executable, ["slow", "late"], False)
    assert ranked["slow"] >= 0.7
    assert found["total"] >= sum(ranked.values()) >= 1.0


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import json\n\njson.loads('{')\n\ndef init(): pass\n", "score.py:3: json.decoder.JSONDecodeError: "),
        ("def init():\n    return 1 / 0\n", "score.py:2: ZeroDivisionError: division by zero"),
    ],
    ids=["import", "init"],
)
def test_a_script_that_cannot_start(project, monkeypatch, capfd, script, reason):
    """The error names the user's own file and line, after the traceback, and the exit status is the server's."""
    (project / "score.py").write_text(f"{script}\ndef run(x): pass\n")
    monkeypatch.chdir(project)

    assert run(["plan", "--start", "--no-check", "--python", sys.executable]) == 3

    said = capfd.readouterr()
    before, _, error = said.err.partition("Error[entry-script]: The entry script cannot start:\n")
    assert said.out == ""
    assert f"{project}/{reason}" in error
    assert "Correct what the log above shows, and run this again." in error
    assert ("Traceback" in error, f'File "{project}/score.py", line ' in before) == (False, True)


def test_a_missing_module(project, monkeypatch, capfd):
    """The error names the interpreter that lacks the module, and what to do."""
    (project / "score.py").write_text("import no_such_module\ndef init(): pass\ndef run(x): pass\n")
    monkeypatch.chdir(project)

    assert run(["plan", "--start", "--no-check", "--python", sys.executable]) == 3

    error = capfd.readouterr().err
    assert "ModuleNotFoundError: No module named 'no_such_module'" in error
    assert f"  The packages are those of {sys.executable}. Name an interpreter that has the module (--python" in error


def test_a_process_that_dies(project, monkeypatch, capfd):
    """A script that ends its process is no success."""
    script = "import os\ndef init():\n    print('last words')\n    os._exit(0)\ndef run(x): pass\n"
    (project / "score.py").write_text(script)
    monkeypatch.chdir(project)

    assert run(["plan", "--start", "--no-check", "--python", sys.executable]) == 3

    error = capfd.readouterr().err
    assert "The process ended with status 0 while the script was starting" in error
    assert "last words" in error


def test_an_interpreter_that_is_none(project, monkeypatch, capfd):
    """A name that is no program is a wrong use of the option; one without --start too."""
    monkeypatch.chdir(project)
    assert run(["plan", "--start", "--python", "no-such-python"]) == 2
    assert run(["plan", "--python", sys.executable]) == 2
    assert "add --start, or leave it out" in capfd.readouterr().err
