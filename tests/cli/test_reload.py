from __future__ import annotations

import os

import pytest

from hatch_mlpackage.cli.reload import snapshot, wait_for_change
from hatch_mlpackage.serve.watched import Watched


def test_snapshot(tmp_path):
    """A snapshot has the files at and below the paths, without logs, caches, hidden folders and missing paths."""
    for name in (
        "src/serve.log",
        "src/score.py",
        "src/deep/more.py",
        "src/.git/HEAD",
        "src/__pycache__/score.pyc",
        "model.pkl",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(5, 7))

    assert snapshot(Watched(whole=(tmp_path / "src", tmp_path / "model.pkl", tmp_path / "gone"))) == {
        str(tmp_path / "src/score.py"): 7,
        str(tmp_path / "src/deep/more.py"): 7,
        str(tmp_path / "model.pkl"): 7,
    }


def test_the_folder_of_a_bare_script(tmp_path):
    """Of the folder in which a script runs, a snapshot has the code: the script itself may write the rest."""
    for name in ("score.py", "deep/more.py", "logging.json", "predictions.csv", "models/ridge.joblib"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    watched = snapshot(Watched(whole=(tmp_path / "models",), code=(tmp_path,)))

    assert sorted(watched) == [
        str(tmp_path / name) for name in ("deep/more.py", "logging.json", "models/ridge.joblib", "score.py")
    ]


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_wait_for_change(tmp_path, change):
    """An edited, added or removed file ends the wait and is named."""
    script, other = tmp_path / "score.py", tmp_path / "other.py"
    script.touch()

    def meanwhile():
        if change == "edit":
            os.utime(script, ns=(1, 1))
        elif change == "add":
            other.touch()
        else:
            script.unlink()

    watched = Watched(whole=(tmp_path,))
    changed = wait_for_change(watched, snapshot(watched), meanwhile=meanwhile)

    assert changed == str(other if change == "add" else script)
