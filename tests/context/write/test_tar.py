from __future__ import annotations

import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from hatch_mlpackage.context.plan import ContextFile, text_file
from hatch_mlpackage.context.write.tar import replacing, write_tar
from hatch_mlpackage.errors import ContextError

TIMESTAMP = 1580601600
SHA_OF_MODEL = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"


def planned(source, path="models/1/m", mode=0o644):
    return ContextFile(path=path, layer="l", source=source, size=source.stat().st_size, mode=mode)


def no_progress(file, written):
    pass


def finish_with_manifest(_hashed):
    return [text_file("manifest.json", "{}", layer="manifest")], "the manifest"


def write(stream, *files, finish=finish_with_manifest, progress=no_progress):
    return write_tar(files, stream, finish=finish, timestamp=TIMESTAMP, progress=progress)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"model")
    return path


def test_every_entry(model):
    """Files come in order after their folders, the manifest last; owner and time are the same for all."""
    stream = io.BytesIO()
    hashes = []

    write(
        stream,
        text_file("Dockerfile", "FROM a\n", layer="build"),
        planned(model, mode=0o755),
        planned(model, "models/2"),
        finish=lambda hashed: (
            hashes.extend((file.path, sha256) for file, sha256 in hashed) or finish_with_manifest(hashed)
        ),
    )

    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        entries = [(entry.name, entry.type, entry.mode, entry.size) for entry in tar]
        assert {(e.uid, e.gid, e.uname, e.gname, e.mtime, str(e.pax_headers)) for e in tar} == {
            (0, 0, "", "", TIMESTAMP, "{}")
        }
        assert [tar.extractfile(name).read() for name in ("Dockerfile", "models/1/m")] == [b"FROM a\n", b"model"]
    assert entries == [
        ("Dockerfile", tarfile.REGTYPE, 0o644, 7),
        ("models", tarfile.DIRTYPE, 0o755, 0),
        ("models/1", tarfile.DIRTYPE, 0o755, 0),
        ("models/1/m", tarfile.REGTYPE, 0o755, 5),
        ("models/2", tarfile.REGTYPE, 0o644, 5),
        ("manifest.json", tarfile.REGTYPE, 0o644, 2),
    ]
    assert [path for path, _ in hashes] == ["Dockerfile", "models/1/m", "models/2"]
    assert hashes[1][1] == SHA_OF_MODEL
    assert len(stream.getvalue()) % tarfile.RECORDSIZE == 0


def test_names_of_every_kind(model):
    """Long names and names beyond ASCII are read back unchanged, by tar programs too."""
    names = ("模型/" + "é" * 80, "a" * 90 + "/" + "b" * 90, "c" * 300)
    stream = io.BytesIO()

    write(stream, *(planned(model, name) for name in sorted(names)))

    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        assert {entry.name for entry in tar if entry.isreg()} == {*names, "manifest.json"}


def test_a_size_beyond_ustar(model):
    """A file of more than 8 GiB, which a ustar header cannot hold, has its size in an extended header."""
    stream = io.BytesIO()

    # Only the header matters, so that the contents are far shorter than the 8 GiB that it announces.
    with pytest.raises(ContextError, match="changed while it was read"):
        write(stream, ContextFile(path="model", layer="l", source=model, size=9 << 30, mode=0o644))

    header = stream.getvalue()
    assert tarfile.TarInfo.frombuf(header[:512], "utf-8", "strict").type == tarfile.XHDTYPE
    assert f" size={9 << 30}\n".encode() in header


def test_progress(model):
    """Progress counts every byte of the files once."""
    told = []

    write(io.BytesIO(), planned(model), progress=lambda file, written: told.append((file.path, written)))

    assert told == [("models/1/m", 5), ("manifest.json", 2)]


@pytest.mark.parametrize("change", [b"longer than before", b"less", b"other"], ids=["grows", "shrinks", "other bytes"])
def test_a_model_that_changes(tmp_path, model, change):
    """A file that differs from the plan, or changes during reading, is refused, and an earlier tar stays."""
    destination = tmp_path / "context.tar"
    with replacing(destination) as stream:
        write(stream)
    before = destination.read_bytes()
    file = planned(model)
    big = ContextFile(path="models/1/m", layer="l", source=model, size=file.size, mode=0o644)

    def meddle(_file, _written):
        model.write_bytes(change)
        os.utime(model, (1, 1))

    if len(change) != 5:
        model.write_bytes(change)
    with pytest.raises(ContextError) as raised, replacing(destination) as stream:
        write(stream, big, progress=meddle)

    assert str(raised.value) == f"{model}: changed while it was read. Run again when nothing writes to it."
    assert destination.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["context.tar", "model"]


def test_an_unreadable_file(tmp_path, model):
    """The error names a file that vanished since the plan."""
    file = planned(model)
    model.unlink()

    with pytest.raises(ContextError) as raised:
        write(io.BytesIO(), file)

    assert str(raised.value) == f"{model}: No such file or directory. What was there before is unchanged."


def test_the_file_is_put_in_place(tmp_path):
    """The tar gets a new file's permissions, replaces an earlier tar, and its folders are made."""
    destination = tmp_path / "new/context.tar"
    for text in ("one", "two"):
        with replacing(destination) as stream:
            write(stream, text_file("a", text, layer="build"))

    umask = os.umask(0)
    os.umask(umask)
    assert destination.stat().st_mode & 0o777 == 0o666 & ~umask
    with tarfile.open(destination) as tar:
        assert tar.extractfile("a").read() == b"two"
    assert [path.name for path in destination.parent.iterdir()] == ["context.tar"]


def test_what_a_killed_run_left_is_removed(tmp_path):
    """The next run removes the half tar of a killed run; it keeps that of a living run, and what is no file."""
    destination = tmp_path / "context.tar"
    (tmp_path / ".context.tar.dead.partial").write_text("half")
    (tmp_path / ".context.tar.mine.partial").write_text("mine")
    (tmp_path / ".context.tar.0.partial").mkdir()
    os.mkfifo(tmp_path / ".context.tar.1.partial")
    kept = {".context.tar.mine.partial", ".context.tar.0.partial", ".context.tar.1.partial"}

    with replacing(destination) as stream:
        living = {path.name for path in tmp_path.iterdir()}
        with replacing(destination) as other:
            write(other)
        after = {path.name for path in tmp_path.iterdir()}
        write(stream, text_file("a", "", layer="build"))

    assert (len(living - kept), after) == (1, living | {"context.tar"})
    assert {path.name for path in tmp_path.iterdir()} == kept | {"context.tar"}


def test_a_foreign_file(tmp_path):
    """A file that is not a tar is not replaced."""
    path = tmp_path / "thesis.tex"
    path.write_text("years of work")

    with pytest.raises(ContextError) as raised, replacing(path):
        pytest.fail("nothing may be written")

    assert str(raised.value) == f"{path}: in the way and not a tar. Remove it, or choose another name."
    assert path.read_text() == "years of work"


def test_a_pipe(tmp_path):
    """A named pipe is written to, not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()

    with replacing(pipe) as stream:
        write(stream)
    reader.join(20)

    assert pipe.is_fifo()
    with tarfile.open(fileobj=io.BytesIO(read[0])) as tar:
        assert tar.getnames() == ["manifest.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_device():
    """The error says that the device is full."""
    full = Path("/dev/full")

    with pytest.raises(ContextError) as raised, replacing(full) as stream:
        write(stream)

    assert str(raised.value) == (
        "/dev/full: no space left. Free some, or choose another disk. What was there before is unchanged."
    )


def test_a_folder_in_the_way(tmp_path):
    """A tar does not replace a folder."""
    with pytest.raises(ContextError) as raised, replacing(tmp_path):
        pytest.fail("nothing may be written")

    assert str(raised.value) == f"{tmp_path}: Is a directory. What was there before is unchanged."
