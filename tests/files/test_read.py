from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from hatch_mlpackage.files.read import NOT_REGULAR, file_bytes, file_text, open_file, open_raw, real_path


@pytest.fixture
def pipe(tmp_path):
    """Make a pipe to which nobody writes: opening it the usual way would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def loop(tmp_path):
    """Make a link onto itself."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return tmp_path / "loop"


@pytest.mark.parametrize("opened", [open_file, open_raw, file_bytes, file_text])
def test_a_pipe(opened, pipe):
    """A pipe is refused at once."""
    with pytest.raises(OSError, match=NOT_REGULAR) as raised:
        opened(pipe)

    assert (raised.value.errno, raised.value.filename) == (errno.EINVAL, str(pipe))


def test_a_file_that_becomes_a_pipe(pipe, monkeypatch):
    """A pipe that takes a file's place after the first look is refused at the second."""
    regular = Path(__file__).stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)

    with pytest.raises(OSError, match=NOT_REGULAR):
        open_file(pipe)


@pytest.mark.parametrize("name", ["device", "socket"])
def test_devices_and_sockets(name, tmp_path, monkeypatch):
    """A device, which may never end, and a socket are refused."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        path = {"device": Path("/dev/zero"), "socket": tmp_path / "socket"}[name]

        with pytest.raises(OSError, match=NOT_REGULAR):
            file_bytes(path)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have(name, tmp_path):
    """A name that the system does not take is an error of the system, which shows it on one line."""
    with pytest.raises(OSError) as raised:  # noqa: PT011 - the number says which
        file_bytes(tmp_path / name)

    assert (raised.value.errno, str(raised.value).isprintable()) == (errno.EINVAL, True)


def test_folders_links_and_missing_files(loop, tmp_path):
    """The errors of the system stay what they are."""
    for path, number in ((tmp_path, errno.EISDIR), (loop, errno.ELOOP), (tmp_path / "none", errno.ENOENT)):
        with pytest.raises(OSError) as raised:  # noqa: PT011 - the number says which
            file_bytes(path)
        assert raised.value.errno == number


def test_texts(tmp_path):
    """A text is read as Python reads texts, through a link too."""
    (tmp_path / "a").write_bytes(b"a\r\nb\xff")
    (tmp_path / "link").symlink_to("a")

    assert file_text(tmp_path / "link", "replace") == "a\nb\ufffd"
    with pytest.raises(UnicodeDecodeError):
        file_text(tmp_path / "a")


def test_real_paths(loop, tmp_path):
    """Links are followed; a link onto itself and an impossible name stay as they are."""
    (tmp_path / "to").symlink_to("folder")
    top = Path(os.path.realpath(tmp_path))

    assert [real_path(tmp_path / name) for name in ("to/a", "loop", "a/../b", "a\0b")] == [
        top / "folder/a",
        top / "loop",
        top / "b",
        tmp_path / "a\0b",
    ]
