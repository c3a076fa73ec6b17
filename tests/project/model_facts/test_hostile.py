"""The readers only read: no file makes them run code or raise an unexpected error, whatever its bytes are."""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import struct
import time
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

from .bombs import MAIN_FILE, field, onnx

DATA = np.arange(40.0).reshape(20, 2)
RIDGE = Ridge().fit(DATA, DATA[:, 0])
QUICK = settings(
    deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SECONDS = 10.0


def read(framework: str, path: Path) -> None:
    """Read the file; any error except UnreadableModelError, and any long work, fails the test."""
    began = time.process_time()
    with suppress(UnreadableModelError):
        read_facts(framework, path)
    assert time.process_time() - began < SECONDS


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


def of_program(path: Path) -> None:
    """Write the parts of an exported program that are read, with a tensor in an archive of its own."""
    spec = [1, {"children_spec": [{"children_spec": [{"type": None, "children_spec": []}]}, {"children_spec": []}]}]
    document = {
        "graph_module": {
            "graph": {"tensor_values": {"x": {"dtype": 7, "sizes": [{"as_int": 2}]}}},
            "signature": {"input_specs": [{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}]},
            "module_call_graph": [{"fqn": "", "signature": {"in_spec": json.dumps(spec)}}],
        },
        "torch_version": "2.13.0",
    }
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02ccollections\nOrderedDict\n)R.")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/models/model.json", json.dumps(document))
        archive.writestr("m/data/weights/model.pt", inner.getvalue())


def saved_model() -> bytes:
    """Return a SavedModel with one signature, of one tensor of rows of two numbers."""
    sizes = field(2, b"\x08" + b"\xff" * 9 + b"\x01") + field(2, b"\x08\x02")
    tensor = field(1, b"x:0") + b"\x10\x01" + field(3, sizes)
    signature = field(1, b"serving_default") + field(2, field(1, field(1, b"x") + field(2, tensor)))
    return b"\x08\x01" + field(2, field(1, field(4, b"serve") + field(5, b"2.20.0")) + field(5, signature))


def onnx_of(**shape: bytes) -> bytes:
    """Return an ONNX model with one input, of numbers of this shape."""
    return onnx(field(11, field(1, b"x") + field(2, field(1, b"\x08\x01" + field(2, shape["shape"])))))


def old_pickle(path: Path) -> None:
    """Write a pickle that has a number of each kind that pickles can have."""
    path.write_bytes(
        b"\x80\x04csklearn.linear_model\nRidge\n)\x81}(X\x0e\x00\x00\x00n_features_in_K\x02"
        b"U\x01aI5\nU\x01bL6L\nU\x01cF1.5\nU\x01dG" + struct.pack(">d", 2.5) + b"U\x01e\x8a\x02\x01\x01ub."
    )


MLMODEL = b"""flavors: {python_function: {loader_module: mlflow.sklearn}, sklearn: {pickled_model: model.pkl}}
mlflow_version: 3.0.0
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]'
"""


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
    "program": ("pytorch", of_program),
    "numbers": ("sklearn", old_pickle),
    "skops in bz2": ("skops", lambda path: skops.io.dump(RIDGE, path, compression=zipfile.ZIP_BZIP2)),
    "skops in lzma": ("skops", lambda path: skops.io.dump(RIDGE, path, compression=zipfile.ZIP_LZMA)),
    "onnx shape": ("onnx", lambda path: path.write_bytes(onnx_of(shape=field(1, b"\x08\x02")))),
    "saved model": ("tensorflow", lambda path: path.write_bytes(saved_model())),
    "mlmodel": ("mlflow", lambda path: path.write_bytes(MLMODEL)),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save a real model in every format once; of a folder, save the file that describes the model."""
    folder = tmp_path_factory.mktemp("saved")
    for name, (_, save) in SAVERS.items():
        save(folder / name)
    return folder


@pytest.mark.parametrize("name", SAVERS)
def test_a_whole_file(tmp_path, saved, name):
    """Each file that is damaged below can be read while it is whole."""
    facts = read_facts(SAVERS[name][0], put(SAVERS[name][0], tmp_path, (saved / name).read_bytes()))

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


@pytest.mark.parametrize("name", SAVERS)
def test_every_end(tmp_path, saved, name):
    """A model that was cut short near an end, or that has one wrong bit in its head, is read or refused."""
    framework, content = SAVERS[name][0], (saved / name).read_bytes()
    heads = range(0, min(len(content), 160), 2)
    damaged = [content[:end] for end in (*heads, *range(max(0, len(content) - 80), len(content)))]
    for place in heads:
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        damaged.append(bytes(flipped))

    for part in damaged:
        read(framework, put(framework, tmp_path, part))


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
