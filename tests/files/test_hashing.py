from __future__ import annotations

import calendar
import os
import re
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import MANIFEST_NAME
from hatch_mlpackage.files.fixed_time import TIMESTAMP, ZIP_TIME
from hatch_mlpackage.files.hashing import SMALLEST, KnownHashes, hash_file, open_known_hashes
from hatch_mlpackage.project.config.keys import PORT

PACKAGE = Path(__file__).resolve().parents[2] / "hatch_mlpackage"
# The code writes each value once; help texts, docstrings and comments may repeat it.
WRITTEN_ONCE = {
    r"= 5001\b|:5001\b|=5001\b": "project/config/keys.py",
    r'= "manifest\.json"': "context/manifest.py",
    r"\b1580601600\b|\(2020, 2, 2": "files/fixed_time.py",
    r"hashlib\.file_digest": "files/hashing.py",
    r"_?DIRECTORY_MODE = ": "context/plan.py",
}


def test_a_file(tmp_path: Path) -> None:
    """A file's hash is SHA-256, or of the kind that is asked for, in hexadecimal."""
    (tmp_path / "a").write_bytes(b"a")

    assert hash_file(tmp_path / "a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert hash_file(tmp_path / "a", "sha384").startswith("54a59b9f22b0b80880d8427e548b7c23")


def test_the_fixed_values() -> None:
    """Every file gets hatchling's timestamp, and the port and the manifest's name stay in every release."""
    assert (TIMESTAMP, calendar.timegm((*ZIP_TIME, 0, 0, 0))) == (1580601600, 1580601600)
    assert (PORT, MANIFEST_NAME) == (5001, "manifest.json")


@pytest.mark.parametrize(("pattern", "place"), WRITTEN_ONCE.items())
def test_one_place_for_each_value(pattern: str, place: str) -> None:
    """The file hasher and each fixed value are written in one module alone."""
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}

    assert [name for name, source in sources.items() if re.search(pattern, source)] == [place]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(bytes(SMALLEST))
    return path


def test_a_hash_outlives_the_run(tmp_path, model):
    """A later run finds the hash that an earlier one saved."""
    cache = tmp_path / "cache/hashes.json"
    first = KnownHashes(cache)
    first.remember(model, model.stat(), "abc")
    first.save()

    assert KnownHashes(cache).find(model, model.stat()) == "abc"
    assert [path.name for path in cache.parent.iterdir()] == ["hashes.json"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(bytes(SMALLEST)),
        lambda path: path.write_bytes(bytes(SMALLEST + 1)),
        lambda path: os.utime(path, (1, 1)),
        lambda path: path.chmod(0o600),
        lambda path: (path.rename(path.with_suffix(".old")), path.write_bytes(bytes(SMALLEST))),
    ],
)
def test_a_touched_file_is_unknown(tmp_path, model, change):
    """A file's hash is forgotten after a write, a new time or mode, or a replacement."""
    known = KnownHashes(tmp_path / "hashes.json")
    known.remember(model, model.stat(), "abc")

    change(model)

    assert known.find(model, model.stat()) is None


def test_small_files_are_not_kept(tmp_path):
    """The hash of a small file is not kept, because looking it up costs as much as reading the file."""
    small = tmp_path / "small"
    small.write_bytes(b"1")
    known = KnownHashes(tmp_path / "hashes.json")
    known.remember(small, small.stat(), "abc")
    known.save()

    assert (known.find(small, small.stat()), (tmp_path / "hashes.json").exists()) == (None, False)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"a": 1}', "\0\xff"])
def test_a_damaged_cache_is_an_empty_one(tmp_path, model, text):
    """A damaged cache counts as empty and raises nothing."""
    (tmp_path / "hashes.json").write_text(text)

    assert KnownHashes(tmp_path / "hashes.json").find(model, model.stat()) is None


def test_a_cache_that_cannot_be_written(tmp_path, model):
    """A cache that cannot be written raises nothing."""
    (tmp_path / "cache").write_text("")
    known = KnownHashes(tmp_path / "cache/hashes.json")
    known.remember(model, model.stat(), "abc")

    known.save()

    assert (tmp_path / "cache").read_text() == ""


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MLPACKAGE_CACHE_DIR": "chosen"}, "chosen/hashes.json"),
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/home"}, "/xdg/hatch-mlpackage/hashes.json"),
        ({"HOME": "/home"}, "/home/.cache/hatch-mlpackage/hashes.json"),
        ({}, None),
    ],
)
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="other systems keep caches elsewhere")
def test_where_the_cache_is(monkeypatch, variables, expected):
    """The cache lies where the user or else the system says, and without a home folder there is none."""
    for name in ("MLPACKAGE_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    path = open_known_hashes().path

    assert (None if path is None else path.as_posix()) == expected
