"""Tell where every write moves a file's change time (`st_ctime`), which no program can set back."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from hatch_mlpackage.files.read import file_text, real_path

MOUNTS = Path("/proc/self/mountinfo")
# Network shares, FUSE and FAT have no change time, take it from another clock, or answer from their own cache.
_KINDS = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "tmpfs", "xfs", "zfs"})
_ON_THE_MACS_DISK = Path("/private/var")
_PLACE = 4  # of the fields of a line
_ESCAPE = r"\\([0-7]{3})"  # of a space, a tab, a line feed or a backslash


def has_change_times(path: Path, mounts: Path = MOUNTS) -> bool:
    """Tell whether a file lies where its change time proves that it is unchanged; False where that is unknown.

    `mounts` lists the file systems as Linux does. Windows has no change time: its `st_ctime` is another one.
    """
    try:
        if sys.platform == "darwin":
            return path.stat().st_dev == _ON_THE_MACS_DISK.stat().st_dev
        kinds = _kinds(file_text(mounts, errors="surrogateescape"))
    except OSError:
        return False
    place = real_path(path)
    mounted = next((folder for folder in (place, *place.parents) if str(folder) in kinds), None)
    return mounted is not None and kinds[str(mounted)] in _KINDS


def _kinds(text: str) -> dict[str, str]:
    """Map each place to the kind of file system that was mounted there last."""
    found = {}
    for line in text.split("\n"):
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) > _PLACE:
            found[re.sub(_ESCAPE, lambda escape: chr(int(escape[1], 8)), fields[_PLACE])] = source.split(" ")[0]
    return found
