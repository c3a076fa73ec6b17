"""Run `mlpackage serve` with an interpreter that lacks a module: it names every way out."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import joblib
import pytest
from sklearn import __version__ as sklearn_version
from sklearn.linear_model import Ridge

PATIENCE = 30


@pytest.fixture
def bare_python(tmp_path):
    """Make an interpreter that has no package at all."""
    program = tmp_path / "bare-python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("place", ["import", "init"])
@pytest.mark.parametrize("locked", [True, False])
def test_a_module_that_the_interpreter_lacks(project, start, bare_python, place, locked):
    """Where a module is missing, the last line names the interpreter and every way out with its command."""
    Path("score.py").write_text(
        "import idna\n\n\ndef init(): ...\n\n\ndef run(data): ...\n"
        if place == "import"
        else "def init():\n    import idna\n\n\ndef run(data): ...\n"
    )
    if not locked:
        Path("locks/requirements.txt").unlink()
    process = start("serve", "--port", "0", "--python", bare_python)
    _, log = process.communicate(timeout=PATIENCE)

    first = "Serve with the packages of the lock (mlpackage serve --locked --port 0)"
    if not locked:
        first = "Lock the packages (mlpackage lock) and serve with them (mlpackage serve --locked --port 0)"
    assert process.returncode == 3
    assert re.sub(r"those of \S+\.", "those of ….", log.splitlines()[-1]) == (
        f"The packages are those of …. {first}, name an interpreter that has the module (--python FILE), "
        f"or install what it lacks (uv pip install --python {bare_python} 'idna>=3.7')."
    )


def test_an_image_with_more_than_the_lock_has(project, start, change, bare_python):
    """Where --locked would be refused, no line names it."""
    change(Path("pyproject.toml"), "[tool.mlpackage]\n", "[tool.mlpackage]\ninstall-project = true\n")
    Path("score.py").write_text("import idna\n\n\ndef init(): ...\n\n\ndef run(data): ...\n")
    process = start("serve", "--port", "0", "--python", bare_python)
    _, log = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert "--locked" not in log
    assert "Not as in the image: " in log.splitlines()[1]
    assert log.splitlines()[-1].endswith(
        "Name an interpreter that has the module (--python FILE), or install what it lacks "
        f"(uv pip install --python {bare_python} 'idna>=3.7')."
    )


def test_a_module_that_a_bare_script_lacks(project, start):
    """For a bare script nothing is known of its packages but the interpreter."""
    Path("score.py").write_text("import no_such_module\n\n\ndef init(): ...\n\n\ndef run(data): ...\n")
    process = start("serve", "--entry-script", "score.py", "--port", "0", "--python", sys.executable)
    _, log = process.communicate(timeout=PATIENCE)

    assert (process.returncode, log.splitlines()[-1]) == (
        3,
        (
            f"The packages are those of {sys.executable}. Name an interpreter that has the module (--python FILE), "
            f"or run: {sys.executable} -m pip install PACKAGE"
        ),
    )


def test_no_code_without_its_packages(tmp_path, start, bare_python, monkeypatch):
    """A model without a script says the same, and names what the generated script needs."""
    monkeypatch.chdir(tmp_path)
    joblib.dump(Ridge().fit([[1.0], [2.0]], [1.0, 2.0]), "ridge.pkl")
    flags = "--model ridge=ridge.pkl --framework sklearn --allow-pickle"
    process = start("serve", *flags.split(), "--port", "0", "--python", bare_python)
    _, log = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert f"{tmp_path.parent}/score.py" not in log
    said = (
        f"Lock the packages (mlpackage lock {flags}) and serve with them (mlpackage serve --locked {flags} --port 0), "
        "name an interpreter that has the module (--python FILE), or install what it lacks (uv pip install --python "
        f"{bare_python} 'inference-schema[numpy-support]' joblib 'numpy>=2' scikit-learn=={sklearn_version} werkzeug)."
    )
    assert log.splitlines()[-1].endswith(said)
