"""Check that a run reads every file of a project once, apart from the beginnings that may show a secret."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest
from sklearn.linear_model import Ridge

PROGRAM = """
import json, os, runpy, sys
from hatch_mlpackage.files import head

root, opened, heads, read_head = os.path.realpath(os.getcwd()), [], [], head.read_head

def watched_head(path, size):
    before = len(opened)
    content = read_head(path, size)
    heads.extend([name, len(content)] for name in opened[before:])
    del opened[before:]
    return content

head.read_head = watched_head

def watch(event, arguments):
    if event != "open" or not isinstance(arguments[0], (str, bytes)) or (arguments[2] or 0) & os.O_ACCMODE:
        return
    path = os.path.realpath(os.fsdecode(arguments[0]))
    if path.startswith(root + os.sep) and os.path.isfile(path):
        opened.append(os.path.relpath(path, root))

sys.addaudithook(watch)
try:
    runpy.run_module("hatch_mlpackage", run_name="__main__")
except SystemExit as ended:
    print(json.dumps([ended.code, opened, heads]), file=sys.stderr)
"""
PROJECTS = [
    "base-dockerfile",
    "conda",
    "gpu",
    "minimal",
    "named-models",
    "old-python",
    "own-packages",
    "steps",
    "two-models",
]
VERBS = {"check": ["check"], "generate": ["generate"], "lock --check": ["lock", "--check"], "plan": ["plan"]}
# Every verb reads the declaration and the locks.
ALWAYS = {"pyproject.toml", "locks/requirements.txt"}


LONGEST_HEAD = 1 << 16  # bytes


def opened_by(arguments, root):
    """Return the files of a project that a verb opens for reading, once per opening, and those that it looks into."""
    unmeasured = {**os.environ, "COVERAGE_PROCESS_CONFIG": ""}  # measuring coverage reads more files
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=unmeasured)
    status, opened, heads = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    assert all(size <= LONGEST_HEAD for _, size in heads)
    return [path for path in opened if not path.startswith("dist/")], [path for path, _ in heads]


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_file_is_read_once(copy_project, project, verb):
    """Every verb reads the declaration, the locks and the entry script, and reads or looks into no file twice."""
    root = copy_project(project)

    opened, heads = opened_by(VERBS[verb], root)

    expected = ALWAYS if project != "own-packages" else {"pyproject.toml"}
    assert (sorted(opened), expected - set(opened)) == (sorted(set(opened)), set())
    assert sorted(heads) == sorted(set(heads))


@pytest.mark.parametrize(
    ("verb", "times", "looks"), [("check", 0, 1), ("plan", 0, 1), ("lock --check", 0, 0), ("generate", 1, 1)]
)
def test_a_model_is_read_only_to_write_it(copy_project, verb, times, looks):
    """Only `generate` reads such a model, and reads it once; what plans a context looks into its beginning."""
    root = copy_project("minimal")
    with (root / "models/greeting.txt").open("ab") as model:
        model.truncate(2 * LONGEST_HEAD)

    opened, heads = opened_by(VERBS[verb], root)

    assert (opened.count("models/greeting.txt"), heads.count("models/greeting.txt")) == (times, looks)


@pytest.mark.parametrize(("verb", "times"), [("check", 1), ("plan", 0), ("lock --check", 0), ("generate", 1)])
def test_a_model_that_says_what_made_it(copy_project, change, verb, times):
    """`check` reads, once, a model of which the file may say the version that saved it."""
    root = copy_project("minimal")
    (root / "models/greeting.txt").unlink()
    (root / "models/greeting.pkl").write_bytes(pickle.dumps(Ridge().fit([[0.0], [1.0]], [0.0, 1.0])))
    change(root / "pyproject.toml", "greeting.txt", "greeting.pkl")
    change(root / "score.py", "greeting.txt", "greeting.pkl")

    opened, _ = opened_by(VERBS[verb], root)

    assert opened.count("models/greeting.pkl") == times
