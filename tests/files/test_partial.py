from __future__ import annotations

import subprocess
import sys

import pytest

from hatch_mlpackage.files.partial import partial_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_left(tmp_path):
    """The file is removed at the end, whatever happens, and stays where it was moved to."""
    with pytest.raises(IsADirectoryError), partial_file(tmp_path):
        tmp_path.read_bytes()
    with partial_file(tmp_path) as path:
        path.write_bytes(b"all")
        path.replace(tmp_path / "kept")

    assert names(tmp_path) == ["kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such locks")
def test_what_a_killed_writer_left(tmp_path):
    """The next writer removes what killed ones left, and neither files of living ones nor links and other files."""
    program = (
        "import pathlib, sys, time\n"
        "from hatch_mlpackage.files.partial import partial_file\n"
        "with partial_file(pathlib.Path(sys.argv[1])) as path:\n"
        "    print(path.name, flush=True)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "kept").touch()
    (tmp_path / "link.partial").symlink_to("kept")
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as killed:
        left = killed.stdout.readline().strip()
        with partial_file(tmp_path) as first:
            assert names(tmp_path) == sorted(["kept", "link.partial", left, first.name])
            killed.kill()
            killed.wait()
            with partial_file(tmp_path) as second:
                assert names(tmp_path) == sorted(["kept", "link.partial", first.name, second.name])
