from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.project.sources.check import Sources, check_sources
from hatch_mlpackage.project.sources.distributions import STAND_INS
from hatch_mlpackage.project.sources.environment import Distribution, ImageEnvironment
from hatch_mlpackage.project.sources.tree import Packed

SHIMS = Path(__file__).parents[3] / "runtime/mlpackage_runtime/worker/shims"
LOCKED = {
    "numpy": ("2.1.0", "numpy"),
    "scikit-learn": ("1.5.0", "sklearn"),
    "joblib": ("1.4.0", "joblib"),
    "pandas": ("2.2.0", "pandas"),
    "google-auth": ("2.0", "google.auth google.oauth2"),
    "torch": ("2.5.0", "torch torchgen"),
}
ADD = "to the requirements and run `mlpackage lock`."


def environment(*, python="3.12", unknown=(), closed=True, **versions):
    """Make an environment of the table above; `unknown` are distributions of which no modules are known."""
    found = [
        Distribution(name=name, version=versions.get(name, version), modules=tuple(modules.split()))
        for name, (version, modules) in LOCKED.items()
    ]
    found += [Distribution(name=name, version="1.0") for name in unknown]
    return ImageEnvironment(python=python, distributions={one.name: one for one in found}, closed=closed)


@pytest.fixture
def check(tmp_path):
    """Give a function that checks the script `score.py`; each finding is (where, level, code, what, fix)."""

    def run(script, locked=None, *, files=None, beside=None, models=None, source="", asked=None, entry="score.py"):
        written = {entry: script, **(files or {})}
        for name, text in {**written, **(beside or {})}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        sources = Sources(
            root=tmp_path,
            files=tuple(Packed(path=name, shown=name, source=tmp_path / name) for name in written),
            entry=entry,
            source_directory=source,
            models=models or {},
            asked=asked or {},
            needed=frozenset({"numpy"}),
        )
        problems = check_sources(sources, locked or environment())
        return [(it.where, it.level, it.code, it.what, it.fix) for it in problems]

    return run


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
    """What is guarded, chosen by a condition, written, or never reached from init() and run() is no finding."""
    assert check(SOUND) == []


@pytest.mark.parametrize(
    ("script", "level", "fix"),
    [
        ("import cv2\n", "error", f"Add opencv-python-headless {ADD}"),
        ("from yaml import safe_load\n", "error", f"Add pyyaml {ADD}"),
        ("import google.cloud.storage\n", "error", f"Add google-cloud-storage {ADD}"),
        ("import azureml.train.automl\n", "error", f"Add azureml-train-automl-runtime {ADD}"),
        ("import requests.adapters\n", "error", f"Add requests {ADD}"),
        ("def init():\n    import requests\ndef run(d): ...\n", "warning", f"Add requests {ADD}"),
        ("def init(): load()\ndef load():\n    import requests\ndef run(d): ...\n", "warning", f"Add requests {ADD}"),
        ("import sys\nsys.path.append('/opt')\nimport requests\n", "warning", f"Add requests {ADD}"),
    ],
)
def test_an_import_that_nothing_locked_has(check, script, level, fix):
    """An import that fails when the script is loaded is an error, one that may fail later a warning."""
    (found,) = check(script)

    assert (found[1], found[2], found[4]) == (level, "unlocked-import", fix)
    assert found[3].endswith(": no locked package has it.")


def test_the_first_import_of_a_module_is_named(check):
    """A module is told of once, with the line."""
    assert check("import os\nimport requests\nimport requests\n") == [
        (
            "score.py:2",
            "error",
            "unlocked-import",
            "`import requests`: no locked package has it.",
            f"Add requests {ADD}",
        )
    ]


@pytest.mark.parametrize(
    ("script", "locked", "expected"),
    [
        ("import mystery", environment(unknown=["other"]), [("hint", "no locked package is known to have it.")]),
        ("import cv2", environment(unknown=["other"]), [("warning", "no locked package has it.")]),
        ("import cv2", environment(unknown=["opencv-contrib-python"]), []),
        ("import slugify", environment(unknown=["python-slugify"]), []),
        ("import redis", environment(unknown=["redis"]), []),
        ("import mystery", environment(closed=False), [("hint", "no locked package is known to have it.")]),
        ("import cv2", environment(closed=False), [("warning", "no locked package has it.")]),
    ],
)
def test_where_not_everything_is_known(check, script, locked, expected):
    """With packages whose modules are not known an import is at most a warning, and a hint where nothing tells."""
    assert [(level, what.partition("`: ")[2]) for _, level, _, what, _ in check(script, locked)] == expected


def test_a_module_that_is_not_packed(check):
    """A module beside the script works where it was written, and is missing in the image."""
    (found,) = check("import features\n", beside={"features.py": ""})

    assert found == (
        "score.py:1",
        "error",
        "unlocked-import",
        "`import features`: features.py is in the project, but not where the image looks for modules.",
        'Take it along: source-directory = ".", a folder that also holds the entry script.',
    )


def test_a_module_beside_a_script_further_down(check):
    """A packed module is found by its name below source-directory, not beside the script."""
    files = {"src/scoring/words.py": "import requests\n"}
    missed = check("import words\n", files=files, source="src", entry="src/scoring/score.py")
    followed = check("from scoring import words\n", files=files, source="src", entry="src/scoring/score.py")

    assert [found[3:] for found in missed] == [
        (
            "`import words`: src/scoring/words.py is in the project, but not where the image looks for modules.",
            "In the image, import it as scoring.words.",
        )
    ]
    assert [found[:3] for found in followed] == [("src/scoring/words.py:1", "error", "unlocked-import")]


def test_only_what_the_script_leads_to_counts(check):
    """A training script that lies in the same folder may import what it likes."""
    files = {"train.py": "import matplotlib\n", "features.py": "from helpers import x\n", "helpers.py": "import six\n"}

    found = check("import features\n", files=files)

    assert [(where, level) for where, level, *_ in found] == [("helpers.py:1", "error")]


def test_an_import_behind_a_guard_stays_guarded(check):
    """What a module imports counts no more than the import that leads to the module."""
    files = {"fast.py": "import numba\n", "later.py": "import shap\n"}
    script = "try:\n    import fast\nexcept ImportError: ...\ndef init():\n    import later\ndef run(d): ...\n"

    assert [(where, level) for where, level, *_ in check(script, files=files)] == [("later.py:1", "warning")]


def test_relative_imports(check):
    """An entry script belongs to no package; the modules it imports may."""
    files = {"app/__init__.py": "", "app/a.py": "from . import b\nfrom .b import x\n", "app/b.py": "import six\n"}

    found = check("from . import app\nimport app.a\n", files=files)

    assert [(where, level, code) for where, level, code, *_ in found] == [
        ("app/b.py:1", "error", "unlocked-import"),
        ("score.py:1", "error", "relative-import"),
    ]


@pytest.mark.parametrize(
    ("script", "locked", "expected"),
    [
        (
            "from sklearn.externals import joblib",
            environment(),
            (
                "warning",
                (
                    "sklearn.externals.joblib was removed in scikit-learn 0.23, and the image has 1.5.0; "
                    "the server provides joblib in its place."
                ),
                "Use joblib.",
            ),
        ),
        (
            "from sklearn.externals import six",
            environment(),
            (
                "error",
                "sklearn.externals.six was removed in scikit-learn 0.23, and the image has 1.5.0.",
                "Use the distribution six.",
            ),
        ),
        (
            "import numpy as np\nX = np.float(1)",
            environment(),
            ("error", "numpy.float was removed in numpy 1.24, and the image has 2.1.0.", "Use float."),
        ),
        (
            "import numpy\ndef run(d): return numpy.NaN",
            environment(),
            ("warning", "numpy.NaN was removed in numpy 2.0, and the image has 2.1.0.", "Use numpy.nan."),
        ),
        (
            "from collections import Mapping",
            environment(),
            (
                "error",
                "collections.Mapping was removed in Python 3.10, and the image has 3.12.",
                "Use collections.abc.Mapping.",
            ),
        ),
        (
            "import imp",
            environment(),
            ("error", "imp was removed in Python 3.12, and the image has 3.12.", "Use importlib."),
        ),
        (
            "from distutils.version import LooseVersion",
            environment(),
            (
                "error",
                "distutils was removed in Python 3.12, and the image has 3.12.",
                "Use the distribution setuptools, which brings it back.",
            ),
        ),
        (
            "import tomllib",
            environment(python="3.10"),
            (
                "error",
                "`import tomllib`: Python has it from 3.11 on, and the image has 3.10.",
                "Choose a newer python-version.",
            ),
        ),
    ],
)
def test_what_is_gone(check, script, locked, expected):
    """What the locked version has no longer is told of, with what takes its place."""
    (found,) = check(script, locked)

    assert (found[1], *found[3:]) == expected


@pytest.mark.parametrize(
    ("script", "locked"),
    [
        ("from sklearn.externals import joblib, six", environment(**{"scikit-learn": "0.22"})),
        ("import numpy as np\nX = np.float(1)", environment(numpy="1.23.5")),
        ("import numpy as np\nX = np.bool", environment(numpy="2.0")),
        ("import imp, distutils, cgi", environment(python="3.11")),
        ("import distutils", environment(unknown=["setuptools"])),
        ("from collections import Mapping", environment(python="3.9")),
        ("try:\n    from collections import Mapping\nexcept ImportError: ...", environment()),
    ],
)
def test_what_is_not_gone_yet(check, script, locked):
    """The locked version decides, and what brings it back."""
    assert check(script, locked) == []


NOT_THERE = "Declare it as a model, or put it into the source-directory."


@pytest.mark.parametrize(
    ("script", "what", "fix"),
    [
        ('open("labels.json")', "'labels.json' is not in the image.", NOT_THERE),
        ('import pandas as pd\npd.read_csv("data/x.csv")', "'data/x.csv' is not in the image.", NOT_THERE),
        ('from pathlib import Path\nPath("a", "b.txt").read_text()', "'a/b.txt' is not in the image.", NOT_THERE),
        ('from pathlib import Path\n(Path("a") / "b.bin").read_bytes()', "'a/b.bin' is not in the image.", NOT_THERE),
        ('import os\nopen(os.path.join("a", "b.txt"))', "'a/b.txt' is not in the image.", NOT_THERE),
        ('open("/home/anna/x.csv")', "'/home/anna/x.csv' is a path that only one machine has.", NOT_THERE),
        ('open(r"C:\\data\\x.csv")', "'C:\\data\\x.csv' is a path that only one machine has.", NOT_THERE),
        (
            'import numpy as np\nnp.load("models/ridge/w.npy")',
            "'models/ridge/w.npy' is a model, which has another path in the image.",
            'Open os.path.join(os.environ["AZUREML_MODEL_DIR"], "ridge/w.npy").',
        ),
        (
            'open("config.yml")',
            "'config.yml' is in the project, but not where the image's server runs.",
            "Put it into the source-directory and open it below Path(__file__).parent, or declare it as a model.",
        ),
    ],
)
def test_a_file_that_is_not_packed(check, script, what, fix):
    """A file that is read by a literal path and is not in the image is worth a warning."""
    found = check(f"def init():\n    pass\n{script}\n", beside={"config.yml": ""}, models={"models/ridge": "ridge"})

    assert [(level, code, said, advice) for _, level, code, said, advice in found] == [
        ("warning", "unpacked-file", what, fix)
    ]


@pytest.mark.parametrize(
    "script",
    [
        'open("labels.json")',
        'open("./data")',
        'import mlflow_like\nmlflow_like.load_model("models:/ridge/3")',
        'open("https://example.com/x.csv")',
        'open("words")',
        'open("x.log", mode="a")',
        'open("x.log", MODE)',
    ],
)
def test_paths_that_are_no_finding(check, script):
    """Packed files and folders, URLs, names and what is written are left alone."""
    files = {"labels.json": "{}", "data/x": "", "mlflow_like.py": ""}

    assert check(script, files=files) == []


@pytest.mark.parametrize(
    ("script", "locked", "name"),
    [
        ("import joblib\njoblib.load(X)\njoblib.load(Y)", environment(), "joblib.load"),
        ("from pickle import load\nload(X)", environment(), "pickle.load"),
        ("import torch\ntorch.load(X)", environment(), "torch.load"),
        ("import torch\ntorch.load(X, weights_only=False)", environment(torch="2.7"), "torch.load"),
    ],
)
def test_the_risk_of_pickles_is_said_once(check, script, locked, name):
    """Loading a pickle is a hint, at the first place that does it."""
    assert check(script, locked) == [
        (
            "score.py:2",
            "hint",
            "unpickling",
            f"{name} runs whatever code the file holds.",
            "Package only models whose origin you know; ONNX, safetensors and skops files hold none.",
        )
    ]


@pytest.mark.parametrize(
    ("script", "locked"),
    [
        ("import torch\ntorch.load(X, weights_only=True)", environment()),
        ("import torch\ntorch.load(X)", environment(torch="2.6.0")),
        ("import json\njson.load(X)", environment()),
    ],
)
def test_what_loads_data_alone(check, script, locked):
    """Loaders that run no code are no finding."""
    assert check(script, locked) == []


def test_unused_requirements(check):
    """A requirement that nothing imports is a hint; not one that others need, nor one whose modules are not known."""
    asked = {"pandas": "locks/requirements.txt:3", "numpy": "l:4", "joblib": "l:5", "opaque": "l:6"}

    found = check("def init():\n    import joblib.hashing\n", environment(unknown=["opaque"]), asked=asked)

    assert found == [
        (
            "locks/requirements.txt:3",
            "hint",
            "unused-requirement",
            "nothing that the entry script leads to imports pandas (pandas).",
            "Remove it, unless something loads it by name.",
        )
    ]


def test_a_pickle_may_need_any_requirement(check):
    """Where a model is unpickled, packages are needed that nothing imports by name."""
    found = check("import joblib\nM = joblib.load(X)\n", asked={"scikit-learn": "l:1"})

    assert [code for _, _, code, *_ in found] == ["unpickling"]


def test_without_a_lock(check, tmp_path):
    """What does not depend on the lock is found without one."""
    (tmp_path / "score.py").write_text('import requests\nopen("x.csv")\nfrom .a import b\n')
    packed = (Packed(path="score.py", shown="score.py", source=tmp_path / "score.py"),)
    sources = Sources(
        root=tmp_path,
        files=packed,
        entry="score.py",
        source_directory="",
        models={},
        asked={},
        needed=frozenset(),
    )

    assert [it.code for it in check_sources(sources, None)] == ["relative-import", "unpacked-file"]


@pytest.mark.parametrize("script", ["def broken(:\n", "x = '\0'\n"])
def test_a_script_that_cannot_be_parsed(check, script):
    """It is told of elsewhere; here there is nothing to say."""
    assert check(script) == []


def test_the_stand_ins():
    """The table names every module that the worker has a stand-in for."""
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
def test_what_a_program_wrote(check, long):
    """A script with more operators in a row than can be followed is no finding: it runs."""
    assert check(f"{SOUND}\n\ndef score(d):\n    return {long}\n") == []
