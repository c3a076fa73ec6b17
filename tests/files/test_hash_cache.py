from __future__ import annotations

import os

import pytest

from hatch_mlpackage.files.hash_cache import SMALLEST, KnownHashes, open_known_hashes


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(bytes(SMALLEST))
    return path


def test_a_hash_outlives_the_run(tmp_path, model):
    """What one run learned, the next one knows."""
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
    """Any write, time, mode or replacement makes the file one that was never hashed."""
    known = KnownHashes(tmp_path / "hashes.json")
    known.remember(model, model.stat(), "abc")

    change(model)

    assert known.find(model, model.stat()) is None


def test_small_files_are_not_kept(tmp_path):
    """Looking up a small file would cost as much as reading it."""
    small = tmp_path / "small"
    small.write_bytes(b"1")
    known = KnownHashes(tmp_path / "hashes.json")
    known.remember(small, small.stat(), "abc")
    known.save()

    assert (known.find(small, small.stat()), (tmp_path / "hashes.json").exists()) == (None, False)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"a": 1}', "\0\xff"])
def test_a_damaged_cache_is_an_empty_one(tmp_path, model, text):
    """Whatever lies in the cache, it costs a hash and no error."""
    (tmp_path / "hashes.json").write_text(text)

    assert KnownHashes(tmp_path / "hashes.json").find(model, model.stat()) is None


def test_a_cache_that_cannot_be_written(tmp_path, model):
    """A file where the folder should be is no reason to fail."""
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
    """The cache lies where the user says, or where the system keeps such things; without a home there is none."""
    for name in ("MLPACKAGE_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    path = open_known_hashes().path

    assert (None if path is None else path.as_posix()) == expected
