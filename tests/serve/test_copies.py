from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.serve.copies import Copies


@pytest.fixture
def source(tmp_path):
    """Make a file and an empty folder to place it below."""
    (tmp_path / "top").mkdir()
    (tmp_path / "source").write_text("a")
    return tmp_path / "source"


def place(copies, source, layout="top", names=("a/b",)):
    """Place a file in a layout, which is a folder, and return where it was placed last."""
    top = source.parent / layout
    top.mkdir(exist_ok=True)
    copies.place([(source, top / name) for name in names], top)
    return top / names[-1]


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o644), (0o744, 0o755), (0o640, 0o644)])
def test_a_copy(source, mode, expected):
    """A copy has the bytes, and the mode that the file has in an image."""
    source.chmod(mode)

    target = place(Copies(), source)

    assert (target.read_text(), target.stat().st_mode & 0o777) == ("a", expected)
    assert target.stat().st_ino != source.stat().st_ino


def test_an_earlier_copy_is_moved(source):
    """An unchanged copy of an unchanged file is moved to the next layout instead of made again."""
    copies = Copies()
    first = place(copies, source, "first")
    copied = first.stat().st_ino

    second = place(copies, source, "second")
    third = place(copies, source, "third")

    assert (first.exists(), second.exists(), third.stat().st_ino) == (False, False, copied)


def test_one_file_in_two_places(source):
    """A file that two models share is in both of their places, also when an earlier copy was moved to one of them."""
    copies = Copies()
    for layout in ("first", "second", "third"):
        place(copies, source, layout, ("a", "b"))

        assert [(source.parent / layout / name).read_text() for name in "ab"] == ["a", "a"]


@pytest.mark.parametrize("changed", ["source", "copy", "removed"])
def test_what_has_changed_is_copied_again(source, changed):
    """A changed file, and a copy that a script has changed or removed, are copied again."""
    copies = Copies()
    first = place(copies, source, "first")
    if changed == "removed":
        first.unlink()
    else:
        (source if changed == "source" else first).write_text("other")

    assert place(copies, source, "second").read_text() == source.read_text()


PROGRAM = """
import sys
from pathlib import Path
from hatch_mlpackage.serve.copies import Copies
source = Path(sys.argv[1])
top = source.parent / "top"
Copies().place([(source, top / "a")], top)
try:
    (top / "a").write_text("changed")
except PermissionError:
    print("refused")
"""


@pytest.mark.parametrize(("mode", "is_linked"), [(0o444, True), (0o644, False)])
def test_a_read_only_file_is_linked(source, mode, is_linked):
    """A file that the user cannot write to takes no room, and cannot be changed by its link either."""
    source.chmod(mode)
    # Root can write to every file until it gives up that right.
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []

    done = subprocess.run(
        [*powerless, sys.executable, "-c", PROGRAM, source], capture_output=True, text=True, check=True
    )

    placed = source.parent / "top/a"
    assert (placed.stat().st_ino == source.stat().st_ino, done.stdout.strip()) == (
        is_linked,
        "refused" if is_linked else "",
    )
    assert source.read_text() == "a"


def test_no_room(source, monkeypatch):
    """Where a copy has no room, the error says how much there is and what to do, and nothing is copied."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    source.write_bytes(b"x" * 3_000_000)

    with pytest.raises(MLPackageError) as raised:
        place(Copies(), source)

    assert str(raised.value) == (
        f"{source.parent / 'top'}: has 1 MB left, and a copy of what is served takes 3 MB. Name a folder with more "
        "room in TMPDIR; or make the model read-only (chmod a-w), and it is linked instead of copied."
    )
    assert not (source.parent / "top/a/b").exists()


def test_a_big_copy_is_announced(source):
    """A copy that takes a moment is announced with its size."""
    with source.open("wb") as file:
        file.truncate(300_000_000)
    said: list[str] = []

    place(Copies(said.append), source)

    assert said == ["Copying 300 MB of models and sources to serve them from there"]


def test_a_file_that_is_gone(source):
    """A file that vanishes meanwhile is named."""
    source.unlink()

    with pytest.raises(MLPackageError, match="source: No such file or directory"):
        place(Copies(), source)
