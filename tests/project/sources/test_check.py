from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.project.sources.check import Sources, check_sources
from hatch_mlpackage.project.sources.distributions import STAND_INS
from hatch_mlpackage.project.sources.tree import Packed

SHIMS = Path(__file__).parents[3] / "runtime/mlpackage_runtime/worker/shims"
ADD = "to the requirements and run `mlpackage lock`."


SOUND = """
from __future__ import annotations
import json, os, sys
from pathlib import Path
import numpy as np
from google.auth import default
from google import oauth2
from azureml.core.model import Model
from azureml_inference_server_http.api.aml_request import rawhttp
import encodings.idna

try:
    import cupy
except ImportError:
    cupy = None
if sys.platform == "win32":
    import win32api
if np is None:
    import nothing
with contextlib.suppress(ImportError):
    import orjson

MODEL = Path(os.environ["AZUREML_MODEL_DIR"]) / "model.bin"

def init():
    with open(MODEL, "rb") as file: file.read()
    open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "x.json"))
    open("/tmp/cache.json")
    if os.path.exists("cache/data.json"):
        open("cache/data.json")
    with open("out.log", "w") as log: log.write("")
    with open("written.json", "w"): pass
    open("written.json")
    try:
        open("optional.json")
    except FileNotFoundError:
        pass
    json.loads("a.b")
    np.bool(True)

def run(data):
    return "a/b.csv".split("/")

def train():
    import matplotlib.pyplot as plt
    open("data/train.csv")

if __name__ == "__main__":
    import argparse, pytest_of_the_shell
    open("samples/one.json")
"""


def test_a_sound_script_is_left_alone(check):
    """Code that is guarded, conditional or never reached, and files that the script writes, are no findings."""
    assert check(SOUND) == []


def test_without_a_lock(check, tmp_path):
    """Findings that do not depend on the lock are made without one."""
    (tmp_path / "score.py").write_text('import requests\nopen("x.csv")\nfrom .a import b\n')
    packed = (Packed(path="score.py", shown="score.py", source=tmp_path / "score.py"),)
    sources = Sources(
        root=tmp_path,
        files=packed,
        entry="score.py",
        source_directory="",
        python="3.12",
        models={},
        asked={},
        needed=frozenset(),
    )

    assert [it.code for it in check_sources(sources, None)] == ["relative-import", "unpacked-file"]


@pytest.mark.parametrize("script", ["def broken(:\n", "x = '\0'\n"])
def test_a_script_that_cannot_be_parsed(check, script):
    """A script that cannot be parsed has no findings here, because the entry script's reader reports it."""
    assert check(script) == []


@pytest.mark.parametrize(
    ("script", "level"),
    [
        ("import a\n", ["error"]),
        ("def init():\n    import a\ndef run(d): ...\n", ["warning"]),
        ("try:\n    import a\nexcept Exception: ...\n", []),
    ],
)
@pytest.mark.parametrize("module", ["\nx = ]\n", "\nx = '\0'\n", "\nprint 1\n"])
def test_a_module_that_cannot_be_parsed(check, script, level, module):
    """A module that cannot be parsed is an error if the script cannot load."""
    found = check(script, files={"a.py": module})

    assert [(level, code) for _, level, code, *_ in found] == [(it, "syntax-error") for it in level]


@pytest.mark.parametrize(
    ("script", "level"),
    [
        ("import a\n", ["error"]),
        ("def init():\n    import a\ndef run(d): ...\n", ["warning"]),
        ("try:\n    import a\nexcept Exception: ...\n", []),
    ],
)
def test_a_module_for_a_newer_python(check, script, level):
    """A module with syntax that the image's Python lacks is an error if the script cannot load; its imports count."""
    module = "import absent\nmatch absent:\n    case 1: ...\n"

    found = check(script, {"python": "3.9"}, files={"a.py": module})

    fix = 'Write it in another way, or set python-version = "3.10".'
    what = "syntax error: the image has Python 3.9, and match needs Python 3.10."
    assert [it for it in found if it[2] == "syntax-error"] == [
        ("a.py:2", it, "syntax-error", what, fix) for it in level
    ]
    assert [it[1] for it in found if it[2] == "unlocked-import"] == level


def test_the_stand_ins():
    """The table names every module for which the worker has a stand-in."""
    modules = {".".join(path.relative_to(SHIMS).with_suffix("").parts) for path in SHIMS.rglob("*.py")}
    leaves = {name.removesuffix(".__init__") for name in modules if not name.startswith("__init__")}
    parents = {name.rpartition(".")[0] for name in leaves}

    assert [
        name
        for name in sorted(leaves - parents)
        if not any(name == stand_in or name.startswith(f"{stand_in}.") for stand_in in STAND_INS)
    ] == []


@pytest.mark.parametrize(
    "long", ["1" + " + 1" * 2000, "model" + ".node" * 2000, "0" + "".join(" if d else 1" for _ in range(2000))]
)
def test_a_very_long_expression(check, long):
    """A script with an expression too long to follow has no findings."""
    assert check(f"{SOUND}\n\ndef score(d):\n    return {long}\n") == []
