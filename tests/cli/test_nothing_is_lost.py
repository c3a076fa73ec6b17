"""Check that existing files survive when a model changes during reading and when the disk is full."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading

import pytest

MODEL = "models/greeting.txt"


class Writer:
    """Write the same byte into a file over and over, as an unfinished training does."""

    def __init__(self, path):
        self._path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        with self._path.open("rb+", buffering=0) as file:
            while not self._stopped.wait(0.001):
                file.seek(0)
                file.write(b"\0")

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()


@pytest.mark.parametrize("options", [(), ("--tar", "context.tar")], ids=["folder", "tar"])
def test_a_model_that_changes_while_it_is_read(copy_project, options, run, everything):
    """A model that changes during reading stops the run, and the previous context stays."""
    root = copy_project("minimal")
    assert run("generate", *options, cwd=root).returncode == 0
    model = root / MODEL
    with model.open("wb") as file:
        file.truncate(64 << 20)
    before = everything(root)

    with Writer(model):
        ended = run("generate", *options, cwd=root)

    said = f"{model}: changed while it was read. Run again when nothing writes to it."
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"Error[context]: The context cannot be written or read:\n  {said}\n"
    assert everything(root) == before


# The disk is mounted for the child alone and ends with it, so the files on it are listed from within.
ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size=6m none "$1"
cp -a "$2/." "$1"
cd "$1"
[ "$3" = model ] || dd if=/dev/zero of=ballast 2>/dev/null || true
shift 3
{ find . -type f -exec sha256sum {} +; find . ! -type f; } | sort > "$LISTS/before"
status=0
"$@" || status=$?
{ find . -type f -exec sha256sum {} +; find . ! -type f; } | sort > "$LISTS/after"
exit $status
"""

FULL = "no space left. Free some, or choose another disk. What was there before is unchanged."


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting a small disk needs root")
@pytest.mark.parametrize(
    ("arguments", "filled_by", "said"),
    [
        (("generate",), "model", "Error[context]: The context cannot be written or read:\n  dist/."),
        (
            ("generate", "--tar", "context.tar"),
            "model",
            "Error[context]: The context cannot be written or read:\n  context.tar: ",
        ),
        (("lock",), "ballast", "Error[lock]: The lock cannot be used:\n  {disk}/locks: "),
    ],
    ids=["folder", "tar", "lock"],
)
def test_a_full_disk(copy_project, tmp_path, arguments, filled_by, said, program, run, change):
    """The error says that the disk is full, and neither a context nor a lock is half-written."""
    root, disk, lists = copy_project("minimal"), tmp_path / "disk", tmp_path / "lists"
    disk.mkdir()
    lists.mkdir()
    change(root / "pyproject.toml", '"idna>=3.7"', "")
    change(root / "pyproject.toml", "[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false")
    assert run("lock", cwd=root).returncode == 0
    assert run(*arguments, cwd=root).returncode == 0
    (root / MODEL).write_bytes(bytes(4 << 20))
    if arguments == ("lock",):
        (root / "locks/requirements.txt").unlink()  # an unchanged lock is not written again

    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ON_A_SMALL_DISK, "-", disk, root, filled_by, *program, *arguments],
        env={**os.environ, "LISTS": str(lists)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"{said.format(disk=disk)}")
    assert ended.stderr.endswith(f"{FULL}\n")
    assert (lists / "after").read_text() == (lists / "before").read_text()
