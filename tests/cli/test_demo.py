from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hatch_mlpackage.cli.demo import CONTEXT
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.verify import verify_context

PATIENCE = 300
README = Path(__file__).parents[2] / "README.md"

network = pytest.mark.network
slow = pytest.mark.slow


def test_a_folder_in_use(tmp_path, mlpackage):
    """The demo refuses a folder that holds files, and leaves them alone."""
    (tmp_path / "thesis.tex").touch()

    outcome = mlpackage("demo", "--directory", tmp_path)

    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.endswith(f"  {tmp_path}: exists already. Choose another name, or remove it first.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@network
@slow
def test_the_whole_job(tmp_path, start, close_to):
    """The demo locks, generates, serves and scores, and leaves an ordinary project with its context."""
    process = start("demo", "--directory", tmp_path / "diabetes")

    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    folder = tmp_path / "diabetes"
    predicted = json.loads((folder / "predicted.json").read_text())
    scored = re.findall(r"^[12] +(\S+) +(\S+)$", out, re.MULTILINE)
    assert [list(map(float, row)) for row in scored] == close_to([[value, value] for value in predicted])
    assert "They agree." in out
    assert verify_context(folder / CONTEXT) == ()
    assert [path.name for path in (folder / CONTEXT).rglob("__pycache__")] == []
    assert _entries_of_the_readme() <= {
        path.relative_to(folder / CONTEXT).as_posix() for path in _all(folder / CONTEXT)
    }
    _is_an_ordinary_project(folder)


def _all(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def _entries_of_the_readme() -> set[str]:
    tree = README.read_text(encoding="utf-8").partition("\n## What you get\n")[2].split("```")[1]
    return {line.split()[0].rstrip("/") for line in tree.splitlines()[2:]}


def _is_an_ordinary_project(folder: Path) -> None:
    """Build the project as any other, and compare the two contexts."""
    digest = read_manifest(folder / CONTEXT).digest
    command = [sys.executable, "-m", "hatchling", "build", "-t", "mlpackage", "-t", "wheel"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
    assert read_manifest(folder / CONTEXT).digest == digest
    assert [path.name for path in (folder / "dist").glob("*.whl")] == ["diabetes-0.1.0-py3-none-any.whl"]


@network
@slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(tmp_path, start, number):
    """Ctrl-C and SIGTERM while the demo serves stop every process and remove the temporary folder."""
    (tmp_path / "tmp").mkdir()
    process = start("demo", env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONUNBUFFERED": "1"})
    for line in process.stderr:
        if "Ready: " in line:
            break

    process.send_signal(number)

    assert process.wait(60) == 128 + number
    deadline = time.monotonic() + 30
    while _processes_below(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _processes_below(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def _processes_below(folder: Path) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


@network
@slow
def test_a_failing_step_ends_the_demo(tmp_path, start):
    """Without an index the demo stops at the lock, with the lock's exit status and reason."""
    unreachable = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_CACHE_DIR": str(tmp_path / "cache")}
    process = start("demo", env={**os.environ, **unreachable, "UV_HTTP_TIMEOUT": "5"})

    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 4
    assert err.endswith("`mlpackage lock` ended with status 4; the reason is above.\n")
