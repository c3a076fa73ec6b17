from __future__ import annotations

import pytest

SCRIPT = "import numpy\nimport pandas.io\nfrom google.auth import login\n\ndef init(): ...\ndef run(data): ...\n"
RENAME = "Rename it."


def findings(check, *, entry="app/score.py", script=SCRIPT, **settings):
    return [it for it in check(script, entry=entry, **settings) if it[2] == "same-name"]


def test_a_module_in_the_app_root(check):
    """A script in the app root hides the package of its name from everything that imports it."""
    found = findings(check, entry="numpy.py")

    what = (
        "`import numpy` gets this in the image, in every package, not the module of numpy 2.1.0: the image looks here"
    )
    assert found == [("numpy.py", "warning", "same-name", f"{what} first.", RENAME)]


def test_the_source_directory_itself(check):
    """A source directory that is a package of an installed name hides it; a mere folder gives way."""
    package = findings(check, entry="pandas/score.py", files={"pandas/__init__.py": ""}, source="pandas")
    folder = findings(check, entry="pandas/score.py", files={"pandas/b.py": ""}, source="pandas")

    assert [it[0] for it in package] == ["pandas/"]
    assert folder == []


@pytest.mark.parametrize("own", ["app/numpy.py", "app/numpy/__init__.py"])
def test_a_module_of_the_source_directory(check, own):
    """An installed package is imported in place of a module in source-directory, which has another name too."""
    found = findings(check, files={own: ""}, source="app")

    place = "app/numpy.py" if own.endswith("numpy.py") else "app/numpy/"
    what = f"`import numpy` gets the module of numpy 2.1.0, not {place}: the image looks there before source-directory."
    assert found == [("app/score.py:1", "warning", "same-name", what, f"Rename {place}, or import it as app.numpy.")]


def test_a_module_of_python(check):
    """A module in source-directory also gives way to the standard library."""
    found = findings(check, script="import copy\nimport random\n", files={"app/copy.py": ""}, source="app")

    what = "`import copy` gets the module of Python 3.12, not app/copy.py: the image looks there before"
    assert [(it[0], it[3]) for it in found] == [("app/score.py:1", f"{what} source-directory.")]


def test_a_folder_of_modules(check):
    """A folder without `__init__.py` gives way too, which counts if a module in it is imported."""
    used = findings(check, files={"app/pandas/io.py": ""}, source="app")
    unused = findings(check, files={"app/pandas/notes.py": ""}, source="app")

    assert [(it[0], it[3], it[4]) for it in used] == [
        (
            "app/score.py:2",
            "`import pandas.io` gets the module of pandas 2.2.0, not app/pandas/: that has an __init__.py.",
            "Rename app/pandas/.",
        )
    ]
    assert unused == []


def test_a_folder_that_packages_share(check):
    """A package of the project hides the packages below a shared folder; a mere folder becomes a part of it."""
    package = findings(check, files={"app/google/__init__.py": ""}, source="app")
    folder = findings(check, files={"app/google/mine.py": ""}, source="app")

    what = "`import google` gets this in the image, in every package, not the module of google-auth 2.0: that has no"
    assert [(it[0], it[3]) for it in package] == [("app/google/", f"{what} __init__.py.")]
    assert folder == []


@pytest.mark.parametrize(
    ("script", "files"),
    [
        (SCRIPT, {"app/torchgen.py": ""}),  # nothing imports it
        (SCRIPT, {"app/pandas_own.py": "", "app/below/numpy.py": ""}),
        ("import sys\nsys.path.insert(0, 'app')\nimport numpy\n", {"app/numpy.py": ""}),
        ("from app import numpy\n", {"app/numpy.py": ""}),
    ],
)
def test_other_modules(check, script, files):
    """Modules that nothing confuses are no findings."""
    assert findings(check, script=script, files=files, source="app") == []
