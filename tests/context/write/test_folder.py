from __future__ import annotations

import os
import stat
import threading
import time

import pytest

from hatch_mlpackage.context.plan import ContextFile, text_file
from hatch_mlpackage.context.write.file import Reuse
from hatch_mlpackage.context.write.folder import refuse_foreign, write_files
from hatch_mlpackage.context.write.hard_links import HardLinks
from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.known_hashes import KnownHashes

TIMESTAMP = 1_000_000_000
SHA_OF_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def finish(hashed):
    text = "".join(f"{digest} {file.path}\n" for file, digest in hashed)
    return [text_file("sums", text, layer="manifest")], "the manifest"


def write(files, destination, *, reason="", progress=lambda file, written: None, reuse=None):
    return write_files(
        files,
        destination,
        finish=finish,
        reason_to_keep=reason if callable(reason) else lambda _: reason,
        timestamp=TIMESTAMP,
        reuse=reuse or Reuse(directory=destination, hashes={}, known=KnownHashes(None)),
        links=HardLinks(frozenset(), print),
        progress=progress,
    )


def copied(path, source, *, mode=0o644):
    return ContextFile(path=path, layer="source", source=source, size=source.stat().st_size, mode=mode)


def tree(directory):
    """Return every entry below a folder: path → (mode, mtime, contents)."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.stat()
        contents = path.read_bytes() if path.is_file() else None
        found[path.relative_to(directory).as_posix()] = (stat.S_IMODE(status.st_mode), status.st_mtime, contents)
    return found


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_text("a")
    path.chmod(0o600)
    return path


def test_writes_bytes_modes_and_times(tmp_path, source):
    """Texts and copies get fixed modes and one time, whatever the umask, and no other file is left beside them."""
    before = os.umask(0o077)
    try:
        write([text_file("text", "t", layer="build"), copied("x/y/copy", source, mode=0o755)], tmp_path / "out/context")
    finally:
        os.umask(before)

    assert tree(tmp_path / "out/context") == {
        "sums": (
            0o644,
            TIMESTAMP,
            b"e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8 text\n%s x/y/copy\n" % SHA_OF_A.encode(),
        ),
        "text": (0o644, TIMESTAMP, b"t"),
        "x": (0o755, TIMESTAMP, None),
        "x/y": (0o755, TIMESTAMP, None),
        "x/y/copy": (0o755, TIMESTAMP, b"a"),
    }
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["context"]
    assert stat.S_IMODE(source.stat().st_mode) == 0o600


def test_progress(tmp_path):
    """Progress counts the bytes of each file, chunk by chunk."""
    big = tmp_path / "big"
    big.write_bytes(bytes((1 << 20) + 1))
    told = []

    write([copied("big", big)], tmp_path / "context", progress=lambda file, written: told.append((file.path, written)))

    assert told == [("big", 1 << 20), ("big", 1), ("sums", 69)]


def test_replaces_a_context_whole(tmp_path, source):
    """A new context replaces the old folder as a whole, without stale files."""
    write([text_file("old", "", layer="build")], tmp_path / "context")

    write([copied("new", source)], tmp_path / "context")

    assert sorted(tree(tmp_path / "context")) == ["new", "sums"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["context", "source"]


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_keeps_what_is_not_ours(tmp_path, kind):
    """A file, a link or a foreign folder in the way stays, and the error says what to do."""
    destination = tmp_path / "context"
    if kind == "file":
        destination.write_text("mine")
        expected = "in the way and not a folder. Remove it, or choose another output."
    elif kind == "link":
        destination.symlink_to(tmp_path)
        expected = "in the way and not a folder. Remove it, or choose another output."
    else:
        destination.mkdir()
        (destination / "mine").write_text("mine")
        expected = "holds photos. Move it away, or choose another output."
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ContextError) as raised:
        write([text_file("new", "", layer="build")], destination, reason="holds photos")

    assert str(raised.value) == f"{destination}: {expected}"
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_is_free(tmp_path):
    """A context may replace an empty folder."""
    refuse_foreign(tmp_path, lambda _: "never asked")


def test_a_source_that_changes(tmp_path, source):
    """A file that grew since the plan stops the run, and the old context stays."""
    write([text_file("old", "", layer="build")], tmp_path / "context")
    file = copied("new", source)
    source.write_text("ab")

    with pytest.raises(ContextError) as raised:
        write([file], tmp_path / "context")

    assert str(raised.value) == f"{source}: changed while it was read. Run again when nothing writes to it."
    assert sorted(tree(tmp_path / "context")) == ["old", "sums"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["context", "source"]


def test_a_source_that_vanishes(tmp_path, source):
    """The error names a file that vanished since the plan."""
    file = copied("new", source)
    source.unlink()

    with pytest.raises(ContextError) as raised:
        write([file], tmp_path / "context")

    assert str(raised.value) == f"{source}: No such file or directory. What was there before is unchanged."


def test_an_interrupt_leaves_nothing(tmp_path, source):
    """Ctrl-C half-way leaves the previous context and no partial folder."""
    write([text_file("old", "", layer="build")], tmp_path / "context")

    def interrupt(file, written):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write([copied("new", source)], tmp_path / "context", progress=interrupt)

    assert sorted(tree(tmp_path / "context")) == ["old", "sums"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["context", "source"]


def test_what_a_killed_run_left_is_removed(tmp_path, source):
    """The next run removes the partial folder of a killed run, and keeps that of a living run."""
    (tmp_path / ".context.dead.partial").mkdir()
    (tmp_path / ".context.dead.partial/half").write_text("half")
    seen = []

    def look(file, written):
        if threading.current_thread() is threading.main_thread() and not seen:
            seen.append(sorted(path.name for path in tmp_path.glob(".context.*")))
            write([text_file("other", "", layer="build")], tmp_path / "context")  # a second run meanwhile
            seen.append(sorted(path.name for path in tmp_path.glob(".context.*")))

    write([copied("new", source)], tmp_path / "context", progress=look)

    assert ".context.dead.partial" not in seen[0]
    assert seen[0] == seen[1]
    assert sorted(tree(tmp_path / "context")) == ["new", "sums"]


def test_a_swap_cut_short_is_mended(tmp_path):
    """If a run was killed between its two renames, the next run first restores the hidden context."""
    write([text_file("old", "", layer="build")], tmp_path / "context")
    (tmp_path / "context").rename(tmp_path / ".context.dead.replaced")
    gone = ContextFile(path="gone", layer="source", source=tmp_path / "gone", size=1)

    with pytest.raises(ContextError):
        write([gone], tmp_path / "context")

    assert sorted(tree(tmp_path / "context")) == ["old", "sums"]
    assert [path.name for path in tmp_path.iterdir()] == ["context"]


@pytest.mark.parametrize("suffix", ["partial", "replaced"])
@pytest.mark.parametrize("kind", ["pipe", "link", "file"])
def test_what_only_has_the_name_of_a_leftover(tmp_path, kind, suffix):
    """A pipe, a link or a file with the name of a leftover is neither waited for, followed, nor put in place."""
    odd, elsewhere = tmp_path / f".context.dead.{suffix}", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "link":
        odd.symlink_to(elsewhere)
    else:
        odd.touch()

    write([text_file("new", "", layer="build")], tmp_path / "context")

    assert sorted(tree(tmp_path / "context")) == ["new", "sums"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [odd.name, "context", "elsewhere"]
    assert (elsewhere / "mine").exists()


@pytest.mark.parametrize("there", [False, True], ids=["no context", "a context"])
def test_a_foreign_folder_with_the_name_of_a_replaced_context(tmp_path, there):
    """A hidden folder that is no context of ours stays, and takes no context's place."""
    if there:
        write([text_file("old", "", layer="build")], tmp_path / "context")
    (tmp_path / ".context.dead.replaced").mkdir()
    (tmp_path / ".context.dead.replaced/mine").touch()

    write(
        [text_file("new", "", layer="build")],
        tmp_path / "context",
        reason=lambda path: "holds photos" if (path / "mine").exists() else "",
    )

    assert sorted(tree(tmp_path / "context")) == ["new", "sums"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".context.dead.replaced", "context"]
    assert (tmp_path / ".context.dead.replaced/mine").exists()


def test_identical_large_files_are_stored_once(tmp_path):
    """Two large files of the same bytes share their space; small files and other modes stay apart."""
    for name in ("one", "two", "three"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    small = tmp_path / "small"
    small.write_text("s")
    files = [
        copied("a/model", tmp_path / "one"),
        copied("b/model", tmp_path / "two"),
        copied("c/model", tmp_path / "three", mode=0o755),
        copied("d/small", small),
        copied("e/small", small),
    ]

    write(files, tmp_path / "context")

    links = {file.path: (tmp_path / "context" / file.path).stat().st_nlink for file in files}
    assert links == {"a/model": 2, "b/model": 2, "c/model": 1, "d/small": 1, "e/small": 1}
    assert (tmp_path / "one").stat().st_nlink == 1
    assert (tmp_path / "context/b/model").read_bytes() == bytes(1 << 20)


class TestReuse:
    """A large file that did not change is neither read nor copied again."""

    @pytest.fixture
    def big(self, tmp_path):
        path = tmp_path / "big"
        path.write_bytes(b"1" * (2 << 20))
        time.sleep(0.02)  # so that every change gets another time, even where the file system's clock ticks slowly
        return path

    @pytest.fixture
    def rewrite(self, tmp_path, big):
        """Give a function that writes the context again with the last one's hashes, and returns the progress steps."""
        kept, hashes = KnownHashes(None, trusts=lambda _: True, now=lambda: time.time_ns() + 10**10), {}

        def again(known=kept):
            told = []
            reuse = Reuse(directory=tmp_path / "context", hashes=dict(hashes), known=known)
            write([copied("big", big)], tmp_path / "context", progress=lambda file, n: told.append(n), reuse=reuse)
            for line in (tmp_path / "context/sums").read_text().splitlines():
                digest, path = line.split()
                hashes[path] = digest
            return told[:-1]

        return again

    def test_unchanged(self, tmp_path, rewrite):
        """An unchanged file is reused in one step, and the context is the same as after a copy."""
        steps, before = rewrite(), tree(tmp_path / "context")

        assert (steps, rewrite()) == ([1 << 20, 1 << 20], [2 << 20])
        assert tree(tmp_path / "context") == before
        assert (tmp_path / "context/big").stat().st_nlink == 1

    def test_changed_in_disguise(self, tmp_path, rewrite, big):
        """The change time reveals other bytes of the same size and modification time."""
        rewrite()
        status = big.stat()
        with big.open("r+b") as file:
            file.write(b"2")
        os.utime(big, ns=(status.st_atime_ns, status.st_mtime_ns))

        assert rewrite() == [1 << 20, 1 << 20]
        assert (tmp_path / "context/big").read_bytes() == big.read_bytes()

    def test_edited_in_disguise(self, tmp_path, rewrite, big):
        """A file of the context that was edited, and whose time was set back, is written anew."""
        rewrite()
        with (tmp_path / "context/big").open("r+b") as file:
            file.write(b"2")
        os.utime(tmp_path / "context/big", (TIMESTAMP, TIMESTAMP))

        assert rewrite() == [1 << 20, 1 << 20]
        assert (tmp_path / "context/big").read_bytes() == big.read_bytes()

    def test_changed_while_it_was_written(self, tmp_path, big):
        """A change behind the part that was read already fails the run, and no later run takes the old hash."""
        known = KnownHashes(None, trusts=lambda _: True, now=lambda: time.time_ns() + 10**10)
        reuse = Reuse(directory=tmp_path / "context", hashes={}, known=known)

        def change(file, written):
            with big.open("r+b") as writer:
                writer.write(b"2")

        with pytest.raises(ContextError, match="changed while it was read"):
            write([copied("big", big)], tmp_path / "context", progress=change, reuse=reuse)

        assert known.find(big, big.stat()) is None

    def test_changed_after_it_was_cloned(self, tmp_path, big, monkeypatch):
        """A change after the blocks of a file were shared fails the run, because the hash would be of other bytes."""

        def share(reader, writer):
            writer.write(big.read_bytes())
            big.write_bytes(b"2" * (2 << 20))
            return True

        monkeypatch.setattr("hatch_mlpackage.context.write.file.share_blocks", share)

        with pytest.raises(ContextError, match="changed while it was read"):
            write([copied("big", big)], tmp_path / "context")

        assert not (tmp_path / "context").exists()

    def test_another_context_took_the_place(self, tmp_path, big):
        """The hash is not kept for the file of another run, which put its context in place just after this one's."""
        known = KnownHashes(None, trusts=lambda _: True, now=lambda: time.time_ns() + 10**10)
        other = tmp_path / "other"
        other.write_bytes(b"2" * (2 << 20))

        class OtherRun(HardLinks):
            def remember(self, known):
                write([copied("big", other)], tmp_path / "context")

        write_files(
            [copied("big", big)],
            tmp_path / "context",
            finish=finish,
            reason_to_keep=lambda _: "",
            timestamp=TIMESTAMP,
            reuse=Reuse(directory=tmp_path / "context", hashes={}, known=known),
            links=OtherRun(frozenset(), print),
            progress=lambda file, written: None,
        )

        assert known.find(tmp_path / "context/big", (tmp_path / "context/big").stat()) is None

    def test_nothing_is_known(self, rewrite):
        """Without known hashes, every file is read and copied again."""
        rewrite()

        assert rewrite(KnownHashes(None)) == [1 << 20, 1 << 20]

    def test_another_mode(self, tmp_path, rewrite, big):
        """A file whose mode changed is copied, because a link would change the old context too."""
        rewrite()
        (tmp_path / "context/big").chmod(0o755)

        assert rewrite() == [1 << 20, 1 << 20]
        assert stat.S_IMODE((tmp_path / "context/big").stat().st_mode) == 0o644

    def test_the_old_context_is_gone(self, tmp_path, rewrite):
        """Without the earlier file the source is copied, even if its hash is known."""
        rewrite()
        (tmp_path / "context/big").unlink()

        assert rewrite() == [1 << 20, 1 << 20]
