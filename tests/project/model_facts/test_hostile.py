"""The readers only read: no file makes them run code or raise an unexpected error, whatever its bytes are."""

from __future__ import annotations

import os
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from hypothesis import HealthCheck, given, settings, strategies as st
from skl2onnx import to_onnx
from sklearn.linear_model import Ridge

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.read import FOLDERS, READERS, read_facts

DATA = np.arange(40.0).reshape(20, 2)
RIDGE = Ridge().fit(DATA, DATA[:, 0])
QUICK = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
MAIN_FILE = {"tensorflow": "saved_model.pb", "mlflow": "MLmodel"}


def read(framework: str, path: Path) -> None:
    """Read the file; any error except UnreadableModelError fails the test."""
    with suppress(UnreadableModelError):
        read_facts(framework, path)


def put(framework: str, folder: Path, content: bytes) -> Path:
    path = folder / "model"
    if framework in FOLDERS:
        path.mkdir(exist_ok=True)
        (path / MAIN_FILE[framework]).write_bytes(content)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("framework", sorted(READERS))
@QUICK
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path, framework, content):
    """Any bytes are read as a model or refused."""
    read(framework, put(framework, tmp_path, content))


@pytest.mark.parametrize("string", [rb"S'\d'", rb"S'\777'"])
def test_a_damaged_string_of_an_old_pickle_warns_of_nothing(tmp_path, string):
    """A string of protocol 0 whose escapes mean nothing is the script's matter, not a warning in the build."""
    read("sklearn", put("sklearn", tmp_path, string + b"\n."))


def of_archive(path: Path) -> None:
    """Write the parts of a TorchScript file that are read."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"c__torch__\nNet\n)\x81}b.")
        archive.writestr(
            "m/code/__torch__.py", "class Net(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return x\n"
        )


def train_booster():
    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(DATA, DATA[:, 0]), 2)


SAVERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "pickle": ("sklearn", lambda path: path.write_bytes(pickle.dumps(RIDGE))),
    "protocol 0": ("sklearn", lambda path: path.write_bytes(pickle.dumps(RIDGE, protocol=0))),
    "joblib": ("sklearn", lambda path: joblib.dump(RIDGE, path)),
    "zlib": ("sklearn", lambda path: joblib.dump(RIDGE, path, compress=3)),
    "gzip": ("sklearn", lambda path: joblib.dump(RIDGE, path, compress=("gzip", 3))),
    "bz2": ("sklearn", lambda path: joblib.dump(RIDGE, path, compress=("bz2", 3))),
    "xz": ("sklearn", lambda path: joblib.dump(RIDGE, path, compress=("xz", 3))),
    "lzma": ("sklearn", lambda path: joblib.dump(RIDGE, path, compress=("lzma", 3))),
    "skops": ("skops", lambda path: skops.io.dump(RIDGE, path)),
    "onnx": ("onnx", lambda path: path.write_bytes(to_onnx(RIDGE, DATA[:1].astype(np.float32)).SerializeToString())),
    "ubj": ("xgboost", lambda path: path.write_bytes(bytes(train_booster().save_raw("ubj")))),
    "json": ("xgboost", lambda path: path.write_bytes(bytes(train_booster().save_raw("json")))),
    "lightgbm": (
        "lightgbm",
        lambda path: lightgbm.train({"verbose": -1}, lightgbm.Dataset(DATA, DATA[:, 0]), 2).save_model(path),
    ),
    "torchscript": ("pytorch", of_archive),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save a real model in every format once."""
    folder = tmp_path_factory.mktemp("saved")
    for name, (_, save) in SAVERS.items():
        save(folder / name)
    return folder


@pytest.mark.parametrize("name", SAVERS)
def test_a_whole_file(saved, name):
    """Each file that is damaged below can be read while it is whole."""
    facts = read_facts(SAVERS[name][0], saved / name)

    assert facts.feature_count == 2 or [tensor.type for tensor in facts.inputs] == ["float32"]


@pytest.mark.parametrize("name", SAVERS)
@QUICK
@given(data=st.data())
def test_damaged_files(tmp_path, saved, name, data):
    """A model that was cut short, or whose bytes were changed, is read or refused."""
    content = bytearray((saved / name).read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))

    read(SAVERS[name][0], put(SAVERS[name][0], tmp_path, bytes(content[:end])))


OPERATIONS = st.sampled_from([operation.code.encode("latin-1") for operation in pickletools.opcodes])


@settings(parent=QUICK, max_examples=400)
@given(parts=st.lists(OPERATIONS | st.sampled_from([b"\x01", b"\x00", b"a\n", b"2\n", b"\x02ab"]), max_size=40))
def test_any_operations(tmp_path, parts):
    """A pickle of operations in any order is read or refused."""
    read("sklearn", put("sklearn", tmp_path, b"\x80\x04" + b"".join(parts) + b"."))


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("dump", [lambda it, path: path.write_bytes(pickle.dumps(it)), joblib.dump])
def test_nothing_runs(tmp_path, dump):
    """Reading a pickle runs none of its code, and the facts state the risk."""
    model = Ridge().fit(DATA, DATA[:, 0])
    model.bomb = Bomb(tmp_path / "written")
    dump(model, tmp_path / "model.pkl")

    facts = read_facts("sklearn", tmp_path / "model.pkl")

    assert not (tmp_path / "written").exists()
    assert facts.runs_code == "it is a pickle, which is a program that runs when it is loaded"
    assert facts.modules >= {"posix", "sklearn"}
    pickle.loads((tmp_path / "model.pkl").read_bytes()) if dump is not joblib.dump else joblib.load(
        tmp_path / "model.pkl"
    )
    assert (tmp_path / "written").exists()  # loading it does write


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: {"model": RIDGE}, "it holds a dict, not a trained estimator"),
        (lambda: [RIDGE], "it holds a list, not a trained estimator"),
        (lambda: 3, "it holds something else, not a trained estimator"),
    ],
)
def test_what_is_no_estimator(tmp_path, make, said):
    """The error names what the file holds instead of an estimator."""
    joblib.dump(make(), tmp_path / "model.pkl")

    with pytest.raises(UnreadableModelError, match=said):
        read_facts("sklearn", tmp_path / "model.pkl")


def test_a_bomb_of_zeros(tmp_path):
    """A compressed pickle that announces a huge value is refused."""
    import zlib  # noqa: PLC0415

    (tmp_path / "model").write_bytes(zlib.compress(b"\x80\x04B\xff\xff\xff\x7f" + bytes(1 << 24)))

    with pytest.raises(
        UnreadableModelError, match="it announces a value of 2147483647 bytes, more than mlpackage reads"
    ):
        read_facts("sklearn", tmp_path / "model")
