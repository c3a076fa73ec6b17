"""Lock a project again against an index on the loopback address, and read what is said about its pins."""

from __future__ import annotations

import json
import sys

import pytest

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def asks(project, index, change):
    """Give a function that writes the requirements of the project, for this Python and without a registry."""
    toml = project / "pyproject.toml"
    table = f'[tool.mlpackage]\npin-base-image = false\npython-version = "{HERE}"'
    change(toml, "[tool.mlpackage]", table)
    (project / "locks/requirements.txt").unlink()
    text = toml.read_text()

    def write(*requirements):
        toml.write_text(text.replace('"idna>=3.7"', ", ".join(f'"{one}"' for one in requirements)))

    return write


def test_how_a_lock_changes(asks, index, mlpackage):
    """`lock` prints each package that came, went or moved, with the reason; the first lock has nothing to compare."""
    for name in ("alpha", "beta", "gamma"):
        index.add(name, "1.0")
    asks("alpha", "beta")
    first = mlpackage("lock")
    index.add("alpha", "2.0")
    asks("alpha>=2", "gamma")
    second = mlpackage("lock")
    third = mlpackage("lock")

    end = "Locked in locks/requirements.txt. Commit it.\nNext: mlpackage check\n"
    changes = "alpha 1.0 → 2.0: alpha>=2 is asked for\nbeta 1.0 removed\ngamma 1.0 added\n"
    assert (first.status, second.status, third.status) == (0, 0, 0)
    assert (first.out, second.out, third.out) == (end, f"{changes}{end}", end)


def test_changes_as_json(asks, index, mlpackage):
    """`--json` has the same changes; an upgrade needs no reason."""
    index.add("alpha", "1.0")
    asks("alpha")
    first = json.loads(mlpackage("lock", "--json").out)
    index.add("alpha", "0.9")
    del index.files["alpha-1.0-py3-none-any.whl"]
    moved = json.loads(mlpackage("lock", "--json").out)
    index.add("alpha", "2.0")
    upgraded = json.loads(mlpackage("lock", "--upgrade", "--json").out)
    checked = json.loads(mlpackage("lock", "--check", "--json").out)

    lock, why = "locks/requirements.txt", "no index has a wheel of it for CPython"
    assert first["changes"] == [{"name": "alpha", "before": None, "after": "1.0", "lock": lock, "why": None}]
    (change,) = moved["changes"]
    assert change.pop("why").startswith(why)
    assert change == {"name": "alpha", "before": "1.0", "after": "0.9", "lock": lock}
    assert upgraded["changes"] == [{"name": "alpha", "before": "0.9", "after": "2.0", "lock": lock, "why": None}]
    assert (checked["changes"], checked["notes"]) == ([], [])


def test_a_package_without_a_wheel(asks, index, mlpackage, make_source, project):
    """The warning about an old version is printed and in the document, and its first way out works as printed."""
    index.add("meta", "1.0")
    index.add("meta", "2.0", "fuse")
    index.add_source("fuse", "1.0")
    asks("meta")
    shown = mlpackage("lock")
    document = json.loads(mlpackage("lock", "--upgrade", "--json").out)
    make_source(project / "fuse", "fuse", "1.0")
    asks("meta", "./fuse")
    mended = mlpackage("lock", "--upgrade")

    warning = next(line for line in shown.err.splitlines() if line.startswith("Warning"))
    assert (shown.status, mended.status) == (0, 0)
    assert warning.startswith("Warning[older-version]: meta: 1.0 is locked and not 2.0, which needs fuse, of which no")
    assert [(note["where"], note["level"], note["code"]) for note in document["notes"]] == [
        ("meta", "warning", "older-version")
    ]
    assert mended.out.startswith("fuse 1.0 added\nmeta 1.0 → 2.0\nLocked in ")
    assert "Warning" not in mended.err


def test_a_wheel_that_is_built_anew(asks, index, mlpackage, make_source, project):
    """A wheel of the same version from sources that changed is a change too."""
    source = make_source(project / "lib", "lib", "1.0")
    asks("./lib")
    mlpackage("lock")
    (source / "module.py").write_text("version = 'other'\n")

    assert mlpackage("lock").out.startswith("lib 1.0 → 1.0: its wheel was built anew\nLocked in ")
