from __future__ import annotations

import json
import os
import stat
import threading
import time

import pytest

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.known_hashes import SMALLEST, KnownHashes, open_known_hashes

SHA, OTHER = "a" * 64, "b" * 64
SECOND = 10**9


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(bytes(SMALLEST))
    time.sleep(0.02)  # so that every change gets another time, even where the file system's clock ticks slowly
    return path


def later():
    """Return the time of a clock on which every file was changed long ago."""
    return time.time_ns() + 3600 * SECOND


def hashes(path=None, **options):
    return KnownHashes(path, **{"trusts": lambda _: True, "now": later, **options})


def remember(known, path, sha256=SHA):
    known.remember(known.state(path, path.stat()), sha256)


def saved(cache, model, sha256=SHA):
    known = hashes(cache)
    remember(known, model, sha256)
    known.save()
    return cache


def found(cache, model):
    return hashes(cache).find(model, model.stat())


def change_in_disguise(path):
    """Write other bytes of the same number, and set the modification time back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"1")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES = {
    "the same bytes again": lambda path: path.write_bytes(bytes(SMALLEST)),
    "more bytes": lambda path: path.write_bytes(bytes(SMALLEST + 1)),
    "another time": lambda path: os.utime(path, (1, 1)),
    "the time set back": change_in_disguise,
    "another mode": lambda path: path.chmod(0o600),
    "another file": lambda path: (path.rename(path.with_suffix(".old")), path.write_bytes(bytes(SMALLEST))),
}


def test_a_hash_outlives_the_run(tmp_path, model):
    """A later run finds the hash that an earlier one saved, and nothing else is left in the folder."""
    cache = saved(tmp_path / "cache/hashes.json", model)

    assert found(cache, model) == SHA
    assert [path.name for path in cache.parent.iterdir()] == ["hashes.json"]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_touched_file_is_unknown(model, change):
    """A file's hash is forgotten after a write, a new time or mode, or a replacement."""
    known = hashes()
    remember(known, model)

    change(model)

    assert known.find(model, model.stat()) is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_while_the_file_is_read(model, change):
    """The hash of a file that is changed after its state was taken does not count for the changed file."""
    known = hashes()
    state = known.state(model, model.stat())

    change(model)
    known.remember(state, SHA)

    assert known.find(model, model.stat()) is None


@pytest.mark.parametrize(
    ("age", "is_kept"), [(-SECOND, False), (0, False), (2 * SECOND, False), (2 * SECOND + 1, True)]
)
def test_a_file_that_was_changed_just_now(model, age, is_kept):
    """No hash is kept for two seconds after a change, nor when the clock says that the change is yet to come."""
    known = hashes(now=lambda: model.stat().st_ctime_ns + age)
    os.utime(model, (1, 1))  # an old time of the contents proves nothing

    remember(known, model)

    assert (known.find(model, model.stat()) == SHA) is is_kept


def test_by_the_clock(model):
    """By default the time is the system's, so that the hash of a file written a moment ago is not kept."""
    assert KnownHashes(None, trusts=lambda _: True).state(model, model.stat()) is None


def test_a_file_system_without_change_times(model):
    """Where the change time proves nothing, no hash is kept, and one that is there is not used."""
    known = hashes()
    remember(known, model)
    doubtful = hashes(trusts=lambda _: False)

    assert (known.find(model, model.stat()), doubtful.find(model, model.stat())) == (SHA, None)
    assert doubtful.state(model, model.stat()) is None


def test_each_file_system_is_asked_once(tmp_path, model):
    """The file system of many files is looked up once."""
    asked = []
    known = hashes(trusts=lambda path: asked.append(path) or True)

    for _ in range(3):
        remember(known, model)

    assert asked == [model]


def test_a_link_of_ours(tmp_path, model):
    """A link moves only the change time, so that the hash is kept for the moved one."""
    known, before = hashes(), model.stat()
    os.link(model, tmp_path / "link")

    known.remember_linked(model, before, SHA)

    assert known.find(model, model.stat()) == SHA


@pytest.mark.parametrize("change", [CHANGES[name] for name in ("more bytes", "another time", "another file")])
def test_a_change_beside_a_link_of_ours(tmp_path, model, change):
    """If anything but a link has changed the file, its hash is not kept."""
    known, before = hashes(), model.stat()
    os.link(model, tmp_path / "link")
    change(model)

    known.remember_linked(model, before, SHA)

    assert known.find(model, model.stat()) is None


def test_a_linked_file_that_was_written_just_now(model):
    """The hash of a linked file is not kept either for two seconds after a write."""
    known = hashes(now=time.time_ns)

    known.remember_linked(model, model.stat(), SHA)

    assert known.find(model, model.stat()) is None


def test_a_linked_file_that_is_gone(model):
    """A file that another program removed meanwhile is no error."""
    known, before = hashes(), model.stat()
    model.unlink()

    known.remember_linked(model, before, SHA)


def test_small_files_are_not_kept(tmp_path):
    """The hash of a small file is not kept, because looking it up costs as much as reading the file."""
    small = tmp_path / "small"
    small.write_bytes(b"1")

    cache = saved(tmp_path / "hashes.json", small)

    assert (found(cache, small), cache.exists()) == (None, False)


def test_one_hash_for_each_path(tmp_path, model):
    """A new state replaces the old one of the same path, so that the cache does not grow with every run."""
    cache = saved(tmp_path / "hashes.json", model)
    os.utime(model, (1, 1))

    saved(cache, model, OTHER)

    assert (found(cache, model), len(json.loads(cache.read_text()))) == (OTHER, 1)


def test_the_newest_are_kept(tmp_path):
    """Ten thousand hashes are kept, and the oldest make room for new ones."""
    known = hashes(tmp_path / "hashes.json")
    for number in range(10_001):
        known.remember((str(number), "1|1|1|1|1"), SHA)

    known.save()

    assert list(json.loads((tmp_path / "hashes.json").read_text())) == [str(number) for number in range(1, 10_001)]


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\0\xff", "[" * 100_000])
def test_a_damaged_cache_is_an_empty_one(tmp_path, model, text):
    """A damaged cache counts as empty and raises nothing, and the next run writes a whole one."""
    cache = tmp_path / "hashes.json"
    cache.write_text(text)

    assert found(cache, model) is None
    assert found(saved(cache, model), model) == SHA


@pytest.mark.parametrize("damage", [lambda _: 1, lambda it: it[:-1], lambda it: it.replace("a", "A"), lambda _: SHA])
def test_a_damaged_hash_is_none(tmp_path, model, damage):
    """A value that is no state with a hash does not count, and those of other files do."""
    cache = saved(tmp_path / "hashes.json", model)
    other = tmp_path / "other"
    other.write_bytes(model.read_bytes())
    ((place, value),) = json.loads(saved(tmp_path / "other.json", other).read_text()).items()
    entries = json.loads(cache.read_text())
    cache.write_text(json.dumps({place: value, **{path: damage(entry) for path, entry in entries.items()}}))

    assert (found(cache, model), found(cache, other)) == (None, SHA)


def test_an_endless_cache(tmp_path, model):
    """A cache larger than any of ours is not read."""
    cache = saved(tmp_path / "hashes.json", model)
    with cache.open("a") as file:
        file.truncate(1 << 40)

    assert found(cache, model) is None


def test_a_pipe_in_place_of_the_cache(tmp_path, model):
    """A pipe in place of the cache is not waited for, and is replaced."""
    cache = tmp_path / "hashes.json"
    os.mkfifo(cache)

    assert found(cache, model) is None
    assert found(saved(cache, model), model) == SHA


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_cache_that_others_may_write_to(tmp_path, model, mode):
    """A cache that others may write to is not believed: they could give a model the hash of another one."""
    cache = saved(tmp_path / "hashes.json", model)

    cache.chmod(mode)

    assert found(cache, model) is None


def test_a_cache_of_another_user(tmp_path, model, monkeypatch):
    """A cache that another user owns is not believed."""
    cache = saved(tmp_path / "hashes.json", model)

    monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)

    assert found(cache, model) is None


def test_a_cache_is_the_users_own(tmp_path, model):
    """Only the user may write to the cache, whatever the umask, or it would never be believed."""
    before = os.umask(0)
    try:
        cache = saved(tmp_path / "hashes.json", model)
    finally:
        os.umask(before)

    assert stat.S_IMODE(cache.stat().st_mode) == 0o600


def test_a_cache_that_cannot_be_written(tmp_path, model):
    """A cache that cannot be written raises nothing."""
    (tmp_path / "cache").write_text("")

    saved(tmp_path / "cache/hashes.json", model)

    assert (tmp_path / "cache").read_text() == ""


def test_a_full_disk(tmp_path, model, monkeypatch):
    """If there is no room for the new cache, the old one stays, and nothing is left beside it."""
    cache = saved(tmp_path / "cache/hashes.json", model)
    before = cache.read_bytes()

    def fail(self, text, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(cache), "write_text", fail)
    saved(cache, model, OTHER)

    assert {path.name: path.read_bytes() for path in cache.parent.iterdir()} == {"hashes.json": before}


def test_many_runs_at_once(tmp_path, model):
    """Runs that save at the same time leave a whole cache at every moment, with the hash of one of them."""
    cache = saved(tmp_path / "cache/hashes.json", model)
    digests = {str(number) * 64 for number in range(4)}
    seen = set()

    def save_often(digest):
        for _ in range(20):
            saved(cache, model, digest)

    threads = [threading.Thread(target=save_often, args=(digest,)) for digest in digests]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.add(found(cache, model))

    assert seen | {found(cache, model)} <= digests | {SHA}
    assert [path.name for path in cache.parent.iterdir()] == ["hashes.json"]


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


@pytest.mark.parametrize(("setting", "expected"), [("never", None), ("always", SHA)])
def test_the_users_setting(tmp_path, model, monkeypatch, setting, expected):
    """`MLPACKAGE_REUSE_HASHES` makes every run hash every file, or believe every file system."""
    saved(tmp_path / "hashes.json", model)
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("MLPACKAGE_REUSE_HASHES", setting)

    assert open_known_hashes().find(model, model.stat()) == expected


def test_an_unknown_setting(monkeypatch):
    """Another value is an error that names the ones that there are."""
    monkeypatch.setenv("MLPACKAGE_REUSE_HASHES", "no")

    with pytest.raises(MLPackageError) as raised:
        open_known_hashes()

    assert str(raised.value) == "MLPACKAGE_REUSE_HASHES is 'no'. Write one of: never, local, always."
