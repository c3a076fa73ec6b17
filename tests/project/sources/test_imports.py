"""A script's imports: modules that no locked package has, modules that are not packed, and unused requirements."""

from __future__ import annotations

import pytest

ADD = "to the requirements and run `mlpackage lock`."


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
    """A missing module is reported once, at its first import."""
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
        ("import mystery", {"unknown": ["other"]}, [("hint", "no locked package is known to have it.")]),
        ("import cv2", {"unknown": ["other"]}, [("warning", "no locked package has it.")]),
        ("import cv2", {"unknown": ["opencv-contrib-python"]}, []),
        ("import slugify", {"unknown": ["python-slugify"]}, []),
        ("import redis", {"unknown": ["redis"]}, []),
        ("import mystery", {"closed": False}, [("hint", "no locked package is known to have it.")]),
        ("import cv2", {"closed": False}, [("warning", "no locked package has it.")]),
        ("import mystery", {"libraries": ["nvidia-nccl-cu12"]}, [("error", "no locked package has it.")]),
        ("import nvidia.nccl.lib", {"libraries": ["nvidia-nccl-cu12"]}, []),
    ],
)
def test_where_not_everything_is_known(check, script, locked, expected):
    """If some packages' modules are not known, a missing import is at most a warning; libraries have none."""
    assert [(level, what.partition("`: ")[2]) for _, level, _, what, _ in check(script, locked)] == expected


@pytest.mark.parametrize(
    ("script", "python", "expected"),
    [
        (
            "import dataclasses",
            "3.6",
            ("3.7", "Add dataclasses to the requirements, or choose a newer python-version."),
        ),
        (
            "from contextvars import ContextVar",
            "3.6",
            ("3.7", "Add contextvars to the requirements, or choose a newer "),
        ),
        ("from importlib import resources", "3.6", ("3.7", "Choose a newer python-version.")),
        ("from importlib.metadata import version", "3.7", ("3.8", "Choose a newer python-version.")),
        ("import importlib.metadata", "3.7", ("3.8", "Choose a newer python-version.")),
        ("import importlib.resources, dataclasses, contextvars", "3.7", None),
        ("from importlib import metadata", "3.8", None),
        ("from importlib import import_module\nimport importlib.util, macpath, imp, distutils", "3.6", None),
    ],
)
def test_the_standard_library_of_old_pythons(check, script, python, expected):
    """What came to the standard library after the image's Python is an error, with the first Python that has it."""
    found = check(f"{script}\n", {"python": python})

    assert [(level, what.partition("`: ")[2]) for _, level, _, what, _ in found] == (
        [("error", f"Python has it from {expected[0]} on, and the image has {python}.")] if expected else []
    )
    assert all(fix.startswith(expected[1]) for *_, fix in found)


def test_a_backport_from_an_index(check):
    """Where the lock has a module that came with a newer Python, the script may import it."""
    assert check("from dataclasses import dataclass\n", {"python": "3.6", "unknown": ["dataclasses"]}) == []


def test_a_module_that_is_not_packed(check):
    """A module beside the script that is not packed is an error with the setting that packs it."""
    (found,) = check("import features\n", beside={"features.py": ""})

    assert found == (
        "score.py:1",
        "error",
        "unlocked-import",
        "`import features`: features.py is in the project, but not where the image looks for modules.",
        'Take it along: source-directory = ".", a folder that also holds the entry script.',
    )


ALONG = 'Take it along: source-directory = "{}", a folder that also holds the entry script'


@pytest.mark.parametrize(
    ("script", "arguments", "own", "fix"),
    [
        ("from utils import text", {"beside": {"utils/text.py": ""}}, "utils", f"{ALONG.format('.')}."),
        ("import utils.deep.text", {"beside": {"utils/deep/text.py": ""}}, "utils", f"{ALONG.format('.')}."),
        (
            "import utils",
            {"beside": {"utils/text.py": ""}, "entry": "src/score.py", "source": "src"},
            "utils",
            f"{ALONG.format('.')}.",
        ),
        (
            "import words",
            {"beside": {"src/words/text.py": ""}, "entry": "app/score.py", "source": "app"},
            "src/words",
            f"{ALONG.format('.')}, and import it as src.words.",
        ),
        (
            "import words",
            {"files": {"src/scoring/words/a.py": ""}, "entry": "src/scoring/score.py", "source": "src"},
            "src/scoring/words",
            "In the image, import it as scoring.words.",
        ),
    ],
)
def test_a_folder_without_an_init_file(check, script, arguments, own, fix):
    """A folder of modules is a package of the project also without `__init__.py`, and no package of an index."""
    (found,) = check(f"{script}\n", **arguments)

    assert (found[1], found[2], found[4]) == ("error", "unlocked-import", fix)
    assert found[3].endswith(f": {own} is in the project, but not where the image looks for modules.")


@pytest.mark.parametrize(
    ("script", "beside", "distribution"),
    [
        ("import requests", {"requests/one.json": ""}, "requests"),
        ("from requests import get", {"requests/example.py": ""}, "requests"),
        ("import yaml", {"yaml/example.py": ""}, "pyyaml"),
    ],
)
def test_a_folder_that_an_import_does_not_mean(check, script, beside, distribution):
    """A folder without the module that is imported, or with the name of a well-known package, is not meant."""
    (found,) = check(f"{script}\n", beside=beside)

    assert found[4] == f"Add {distribution} {ADD}"


@pytest.mark.parametrize("written", ["from app._version import number", "import app._version", "from app import inner"])
def test_a_module_that_is_left_out(check, written):
    """A module that a packed package has in the project, but not in the image, is an error."""
    files = {"app/__init__.py": "from . import inner\n", "app/inner.py": "from ._version import number\n"}

    found = check(f"{written}\n", files=files, beside={"app/_version.py": "number = 1\n"})

    assert {(level, code, what.partition(": ")[2]) for _, level, code, what, _ in found} == {
        ("error", "unlocked-import", "app/_version.py is in the project, but does not go into the image.")
    }


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
    """Only modules that the script leads to are checked, not others in the same folder."""
    files = {"train.py": "import matplotlib\n", "features.py": "from helpers import x\n", "helpers.py": "import six\n"}

    found = check("import features\n", files=files)

    assert [(where, level) for where, level, *_ in found] == [("helpers.py:1", "error")]


def test_an_import_behind_a_guard_stays_guarded(check):
    """An import in a module counts no more than the import that leads to the module."""
    files = {"fast.py": "import numba\n", "later.py": "import shap\n"}
    script = "try:\n    import fast\nexcept ImportError: ...\ndef init():\n    import later\ndef run(d): ...\n"

    assert [(where, level) for where, level, *_ in check(script, files=files)] == [("later.py:1", "warning")]


def test_relative_imports(check):
    """A relative import is an error in the entry script and allowed in a package that it imports."""
    files = {"app/__init__.py": "", "app/a.py": "from . import b\nfrom .b import x\n", "app/b.py": "import six\n"}

    found = check("from . import app\nimport app.a\n", files=files)

    assert [(where, level, code) for where, level, code, *_ in found] == [
        ("app/b.py:1", "error", "unlocked-import"),
        ("score.py:1", "error", "relative-import"),
    ]


@pytest.mark.parametrize(
    ("source", "files", "beside", "expected"),
    [
        (
            "src",
            {"src/a.py": "from ..common import x\n"},
            {"common/x.py": ""},
            [
                "`from ..common import x`: it leads above the module, which is at the top of the image's sources.",
                f"{ALONG.format('.')}, and import it as common.",
            ],
        ),
        (
            "src",
            {"src/a/__init__.py": "from . import b\n", "src/a/b.py": "from ..c import x\n", "src/c.py": ""},
            {},
            [
                "`from ..c import x`: it leads above a, which is at the top of the image's sources.",
                "In the image, import it as c.",
            ],
        ),
        (
            "",
            {"a/__init__.py": "from .b import c\n", "a/b/__init__.py": "", "a/b/c.py": "from ...gone import *\n"},
            {},
            [
                "`from ...gone import *`: it leads above a.b, which is at the top of the image's sources.",
                "Import by the name that the module has below source-directory.",
            ],
        ),
    ],
)
def test_a_relative_import_above_the_sources(check, source, files, beside, expected):
    """A relative import that leaves the packages of the image is an error, with the way to the module that it means."""
    entry = f"{source}/score.py".lstrip("/")

    (found,) = check("import a\n", files=files, beside=beside, source=source, entry=entry)

    assert (found[1], found[2], [*found[3:]]) == ("error", "relative-import", expected)


def test_unused_requirements(check):
    """An unused requirement is a hint, unless another package needs it or it has no module that is known."""
    asked = {"pandas": "locks/requirements.txt:3", "numpy": "l:4", "joblib": "l:5", "opaque": "l:6", "nccl": "l:7"}

    found = check(
        "def init():\n    import joblib.hashing\n", {"unknown": ["opaque"], "libraries": ["nccl"]}, asked=asked
    )

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
    """Where a model is unpickled, no requirement counts as unused."""
    found = check("import joblib\nM = joblib.load(X)\n", asked={"scikit-learn": "l:1"})

    assert [code for _, _, code, *_ in found] == ["unpickling"]
