from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.files.change_times import MOUNTS, has_change_times

MOUNTED = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:40 / /net rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
41 40 8:1 / /net/scratch rw - xfs /dev/sda1 rw
42 27 0:42 /of\040mine /a\040folder\134of\011mine rw master:1 - fuse.sshfs host: rw
43 27 0:43 / /twice rw - tmpfs none rw
44 43 0:44 / /twice rw - 9p drives rw
45 27 0:45 / /layers rw - overlay overlay rw,lowerdir=/a
half a line
"""


@pytest.fixture
def mounts(tmp_path):
    (tmp_path / "mountinfo").write_text(MOUNTED)
    return tmp_path / "mountinfo"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/models/a", True),
        ("/network/a", True),
        ("/net/a", False),
        ("/net/scratch/folder/a", True),
        ("/a folder\\of\tmine/a", False),
        ("/a folder/a", True),
        ("/twice/a", False),
        ("/layers/a", True),
        ("/net/../models/a", True),
        ("/proc/a", False),
    ],
)
def test_by_the_file_system(monkeypatch, mounts, path, expected):
    """The innermost, last mounted file system decides: disks and tmpfs have change times, network shares have none."""
    monkeypatch.setattr("sys.platform", "linux")

    assert has_change_times(Path(path), mounts) is expected


def test_a_link_to_another_file_system(monkeypatch, tmp_path, mounts):
    """The file behind a link decides."""
    monkeypatch.setattr("sys.platform", "linux")
    (tmp_path / "link").symlink_to("/net/model")

    assert has_change_times(tmp_path / "link", mounts) is False


@pytest.mark.parametrize("listed", ["", "22 27 0:21 / /proc rw,relatime - proc proc rw", None])
def test_an_unknown_file_system(monkeypatch, tmp_path, listed):
    """Where nothing says what the file system is, its change times prove nothing."""
    monkeypatch.setattr("sys.platform", "linux")
    if listed is not None:
        (tmp_path / "mounts").write_text(listed)

    assert has_change_times(tmp_path, tmp_path / "mounts") is False


@pytest.mark.skipif(not MOUNTS.exists(), reason="reads the list of file systems that Linux has")
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="looks at /dev/shm, which is a tmpfs")
def test_on_this_machine():
    """The system's own list is read: /dev/shm has change times, and /proc has none."""
    assert (has_change_times(Path("/dev/shm")), has_change_times(Path("/proc/self"))) == (True, False)
