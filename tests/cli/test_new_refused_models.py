"""`mlpackage new --model` refuses a file that its framework cannot load, and says what the file is and what to do."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from pathlib import Path

import joblib
import pytest
import xgboost
from sklearn.linear_model import Ridge

ROWS = [[0.0, 1.0], [1.0, 0.0]]
AGAIN = "Save the model again, or copy or download its file again."
EXPORTED = io.BytesIO()
with zipfile.ZipFile(EXPORTED, "w") as archive:
    archive.writestr("m/data.pkl", b"\x80\x02N.")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with whole models, parts of them, and files that are no models."""
    monkeypatch.chdir(tmp_path)
    joblib.dump(Ridge().fit(ROWS, [0.0, 1.0]), "ridge.joblib")
    joblib.dump(Ridge().fit(ROWS, [0.0, 1.0]), "packed.joblib", compress=3)
    booster = xgboost.XGBRegressor(n_estimators=1).fit(ROWS, [0.0, 1.0])
    for name in ("trees.json", "trees.ubj"):
        booster.save_model(name)
    Path("net.pt").write_bytes(EXPORTED.getvalue())
    for name in ("ridge.joblib", "packed.joblib", "trees.json", "trees.ubj", "net.pt"):
        Path(f"cut-{name}").write_bytes(Path(name).read_bytes()[:-20])
    Path("empty.pkl").write_bytes(b"")
    Path("page.pkl").write_text("<html>Log in</html>", encoding="utf-8")
    Path("limits.json").write_text(json.dumps({"limit": 3}), encoding="utf-8")
    Path("pointer.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    Path("keras.pkl").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(80))
    Path("other.onnx").write_bytes(b"\xff" * 40)
    return tmp_path


@pytest.mark.parametrize(
    ("model", "framework", "said"),
    [
        ("cut-ridge.joblib", "scikit-learn", f"it is cut short. {AGAIN}"),
        ("cut-packed.joblib", "scikit-learn", f"it is cut short. {AGAIN}"),
        ("cut-net.pt", "PyTorch", f"it is a zip archive that is cut short. {AGAIN}"),
        ("cut-trees.ubj", "XGBoost", f"it is cut short. {AGAIN}"),
        ("cut-trees.json", "XGBoost", f"it is not JSON to its end: it is damaged or cut short. {AGAIN}"),
        ("empty.pkl", "scikit-learn", f"it is empty. {AGAIN}"),
        ("page.pkl", "scikit-learn", f"it is not a pickle. {AGAIN}"),
        ("limits.json", "XGBoost", f"it holds no model: save it with save_model. {AGAIN}"),
        ("keras.pkl", "scikit-learn", f"it is an HDF5 file, as Keras writes them. {AGAIN}"),
        ("pointer.onnx", "ONNX", f"it is a pointer of Git LFS, whose file `git lfs pull` fetches. {AGAIN}"),
        ("other.onnx", "ONNX", f"it is not protobuf, or it is cut short. {AGAIN}"),
    ],
)
@pytest.mark.parametrize("features", [(), ("--features", 2)])
def test_broken_models(folder, mlpackage, model, framework, said, features):
    """No number of features helps a file that is cut short, empty or no model."""
    outcome = mlpackage("new", "made", "--model", model, *features, "--no-input", "--no-lock")

    assert (outcome.status, outcome.err) == (
        1,
        f"Error[failed]: mlpackage new failed:\n  {model} cannot be loaded as a model of {framework}: {said}\n",
    )
    assert not (folder / "made").exists()


@pytest.mark.parametrize(
    ("model", "declared", "said"),
    [
        ("ridge.joblib", "onnx", "it is a pickle. Give --framework sklearn."),
        ("packed.joblib", "xgboost", "it is a compressed pickle. Give --framework sklearn."),
        ("trees.json", "lightgbm", "it is a model of XGBoost. Give --framework xgboost."),
        ("trees.ubj", "sklearn", "it is a model of XGBoost. Give --framework xgboost."),
        ("net.pt", "sklearn", "it is an archive of PyTorch. Give --framework pytorch."),
    ],
)
def test_foreign_models(folder, mlpackage, model, declared, said):
    """A file of another framework names the flag that reads it; that flag makes the project."""
    outcome = mlpackage("new", "made", "--model", model, "--framework", declared, "--no-input", "--no-lock")

    assert (outcome.status, outcome.err.splitlines()[-1].partition(": ")[2]) == (1, said)
    flags = shlex.split(said.partition("Give ")[2].rstrip("."))
    more = ("--features", 2) if model == "net.pt" else ()
    assert mlpackage("new", "made", "--model", model, *flags, *more, "--no-input", "--no-lock").status == 0
