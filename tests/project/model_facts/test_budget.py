"""No file costs its reader more than the budget: seconds, operations, and the memory of what they make."""

from __future__ import annotations

import ast
import itertools
import json
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from hatch_mlpackage.project import model_facts
from hatch_mlpackage.project.model_facts.budget import Budget, Limits, OverBudgetError
from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.read import READERS, read_facts

from .bombs import BOMBS, MAIN_FILE, PICKLE, RIDGE

MB = 1 << 20
# A tenth of the real limits, for a reader that stops as soon as it has spent them.
LATEST = 12.0  # seconds: those of the budget, and what comes before the clock is looked at
SMALL = {"operations": 500_000, "inflated": 100 * MB, "kept": 12 * MB, "seconds": 10.0}
CHILD = """
import json, resource, sys, time
from pathlib import Path

from hatch_mlpackage.project.model_facts.budget import Budget, Limits, OverBudgetError
from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.read import read_facts


def peak():
    status = Path("/proc/self/status")
    if status.exists():  # the other figure counts the parent's memory on Linux
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


framework, path, limits = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
try:
    read_facts(framework, Path("/"))  # loads the reader
except UnreadableModelError:
    pass
before, began = peak(), time.process_time()
try:
    said = repr(read_facts(framework, path, Budget(Limits(**limits))))[:200]
except UnreadableModelError as error:
    said = f"{type(error).__name__}: {error}"
print(json.dumps({"said": said, "seconds": time.process_time() - began, "megabytes": peak() - before}))
"""


def write(name: str, folder: Path) -> tuple[str, Path]:
    """Write a bomb; return the framework that reads it, and its path."""
    framework, make = BOMBS[name]
    path = folder / "model"
    if framework in MAIN_FILE:
        path.mkdir()
        (path / MAIN_FILE[framework]).write_bytes(make())
    else:
        path.write_bytes(make())
    return framework, path


def read_in_child(framework: str, path: Path, limits: dict[str, float]) -> dict:
    """Read a model in a process of its own, whose memory is measured."""
    outcome = subprocess.run(
        [sys.executable, "-c", CHILD, framework, str(path), json.dumps(limits)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as POSIX does")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_no_more_than_the_budget(tmp_path, name):
    """A file that was made to cost much ends in facts or in a reason, in seconds, and in a bounded memory."""
    found = read_in_child(*write(name, tmp_path), SMALL)

    assert found["seconds"] < LATEST, found
    assert found["megabytes"] < 350, found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as POSIX does")
@pytest.mark.parametrize("name", ["dicts", "memo", "kept texts", "marks", "skops lists", "mlflow lists"])
def test_the_real_budget(tmp_path, name):
    """With the limits that commands use, the worst files of each kind stay below a gigabyte, and end in time."""
    found = read_in_child(*write(name, tmp_path), {})

    assert found["said"].startswith("OverBudgetError: "), found
    assert found["seconds"] < LATEST, found
    assert found["megabytes"] < 1000, found


REASONS = {
    "zlib": "it unpacks to more than mlpackage reads (100 MB)",
    "bz2": "it unpacks to more than mlpackage reads (12 MB)",
    "xz": "it unpacks to more than mlpackage reads (25 MB)",
    "kept texts": "it has more text than mlpackage keeps (12 MB)",
    "dicts": "it has more parts than mlpackage reads (500000)",
    "value that lies": "it announces a value of 9187201950435737471 bytes, more than mlpackage reads",
    "count of features": "it takes more values than mlpackage writes into a request (1000000)",
    "skops lists": "it has more parts than mlpackage reads (500000)",
    "inner archives": "it has archives in archives in archives",
    "members": "it lists more members than mlpackage reads",
    "onnx fields": "it has more parts than mlpackage reads (500000)",
    "ubjson lists": "it has more parts than mlpackage reads (500000)",
}


@pytest.mark.parametrize("name", REASONS)
def test_the_reason(tmp_path, name):
    """The error says which limit the file exceeds."""
    framework, path = write(name, tmp_path)

    with pytest.raises(OverBudgetError) as raised:
        read_facts(framework, path, Budget(Limits(**{**SMALL, "seconds": 100.0})))  # so that no machine is too slow

    assert str(raised.value) == REASONS[name]


@pytest.mark.parametrize(
    "name", ["dicts", "zlib", "skops one array named often", "onnx fields", "ubjson lists", "mlflow keys"]
)
def test_the_clock(tmp_path, name):
    """A reader looks at the clock between the steps of a long work."""
    seconds = itertools.count()

    with pytest.raises(OverBudgetError, match=r"reading it takes longer than 10 seconds"):
        read_facts(*write(name, tmp_path), Budget(clock=lambda: float(next(seconds))))


def test_a_limit_that_a_parser_swallows():
    """A limit counts even if a parser in between takes the error for one of its own."""
    budget = Budget(Limits(operations=0))

    with pytest.raises(UnreadableModelError):
        budget.work()

    assert budget.exceeded == "it has more parts than mlpackage reads (0)"


def test_a_pipe_is_not_waited_for(tmp_path):
    """A pipe that nobody writes to is refused at once."""
    os = pytest.importorskip("os")
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "model")

    with pytest.raises(UnreadableModelError, match="it cannot be read: not a regular file"):
        read_facts("sklearn", tmp_path / "model")


FOLDER = Path(model_facts.__file__).parent
# What gets at bytes, or makes far more of a text than its length: only these modules may use it.
DOORS = {"archive", "model_file", "stream", "text"}
WAYS = {
    *("bz2", "gzip", "json", "lzma", "marshal", "pickle", "tarfile", "tomllib", "yaml", "zlib"),
    *("eval", "exec", "open", "Path", "read_bytes", "read_text", "literal_eval"),
    *("FileIO", "ZipFile", "parse_python", "read_yaml", "values_of"),
}
# `read` makes the file and names errors; `kinds` looks at names alone.
ALLOWED = {"read": {"Path", "lzma", "zlib"}, "kinds": {"Path"}}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_readers_pay(path):
    """A reader gets at bytes only through the file that it is given, which draws from the budget."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {getattr(node, "module", None), *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Name):
            names.add(node.id)

    assert path.stem in DOORS or names & (WAYS - ALLOWED.get(path.stem, set())) == set()


@pytest.mark.parametrize("framework", READERS)
def test_every_reader_pays(framework):
    """Each framework's reader takes a file with a budget, and nothing else."""
    module, function = READERS[framework]
    tree = ast.parse((FOLDER / f"{module}.py").read_bytes())
    reader = next(it for it in tree.body if isinstance(it, ast.FunctionDef) and it.name == function)

    assert [ast.unparse(argument.annotation) for argument in reader.args.args] == ["ModelFile"]


def test_a_large_pickle(tmp_path):
    """A pickle with gigabytes of numbers gives its facts at once, and they are not read."""
    path = tmp_path / "model.pkl"
    head = PICKLE + RIDGE + b"(X\x05\x00\x00\x00coef_\x8e" + (3 << 30).to_bytes(8, "little")
    with path.open("wb") as file:
        file.write(head)
        file.seek(3 << 30, 1)
        file.write(b"X\x0e\x00\x00\x00n_features_in_K\x07ub.")

    found = read_in_child("sklearn", path, {})

    assert "feature_count=7" in found["said"]
    assert (found["seconds"] < 1, found["megabytes"] < 20) == (True, True), found


@pytest.mark.slow
@pytest.mark.parametrize("compress", [0, 3, ("xz", 1)])
def test_a_large_forest(tmp_path, compress):
    """A forest of 500 trees gives its facts, compressed or not."""
    rows = np.random.default_rng(0).random((1000, 4))
    joblib.dump(
        RandomForestRegressor(500, n_jobs=2).fit(rows, rows[:, 0]), tmp_path / "model.joblib", compress=compress
    )

    found = read_in_child("sklearn", tmp_path / "model.joblib", {})

    assert "feature_count=4" in found["said"]
    assert (found["seconds"] < 8, found["megabytes"] < 200) == (True, True), found
