"""Files with the names of locks that `mlpackage lock` did not write."""

from __future__ import annotations

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.foreign import refuse_foreign_files
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.project.config.keys import Config

CONFIG = Config(python_version="3.12", base_image="python:3.12-slim")
FOREIGN = {
    "requirements.txt": {"requirements": "numpy==2.0 --hash=sha256:00\n# see mlpackage-lock\n"},
    "packages.json": {"packages_json": b'{"packages": {"left-pad": {"version": "1.0"}}}'},
    "conda-linux-64.lock": {"conda": "# conda\n@EXPLICIT\nhttps://conda.example/a-1-0.conda\n"},
    "conda-file.json": {"conda_file": b"[1, 2]"},
    "base-image.toml": {"base_images": b'image = "python:3.12"\n'},
    "models.toml": {"remote_models": b'[[models]]\nname = "mine"\n'},
}
OURS = {
    "empty": {"requirements": "", "packages_json": b"{}\n", "base_images": b"\n"},
    "a requirements' lock in conflict": {"requirements": "<<<<<<< ours\n# mlpackage-lock: schema=1\n=======\n"},
    "a requirements' lock cut short": {"requirements": "# Locked for CPython 3.12 on linux/amd64 by hatch-mlpackage"},
    "packages in conflict": {"packages_json": b"{\n<<<<<<< ours\n"},
    "packages cut short": {"packages_json": b'{\n  "idna==3.20": {\n    "wh'},
    "a base image that is no text": {"base_images": b"\xff"},
}


@pytest.mark.parametrize(("name", "contents"), FOREIGN.items(), ids=FOREIGN)
def test_a_foreign_file(name, contents):
    """A sound file of something else stops the run, with its name and the next step."""
    with pytest.raises(LockError) as caught:
        refuse_foreign_files(CONFIG, Locks(**contents))

    assert str(caught.value) == (
        f"locks/{name} was not written by mlpackage, and locking would replace it.\n"
        "Move it away, or choose another folder for the locks: lock-directory in [tool.mlpackage]."
    )


@pytest.mark.parametrize("contents", OURS.values(), ids=OURS)
def test_a_damaged_file_of_ours(contents):
    """A damaged lock is not foreign: it may be made anew."""
    refuse_foreign_files(CONFIG, Locks(**contents))
