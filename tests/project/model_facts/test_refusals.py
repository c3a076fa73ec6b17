"""Models that no generated script can serve are recognised from their files."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.read import read_facts

EVIL = b"cposix\nsystem\n(S'true'\ntR."
TORCHSCRIPT = b"c__torch__\nNet\n)\x81}b."


def archive(**members):
    """Return a zip file; `__` in the name of a member stands for a slash, and `_dot_` for a dot."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for name, content in members.items():
            opened.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return packed.getvalue()


def script(forward):
    code = f"class Net(Module):\n  {forward}\n    return x\n"
    with io.BytesIO() as packed:
        with zipfile.ZipFile(packed, "w") as opened:
            opened.writestr("m/data.pkl", TORCHSCRIPT)
            opened.writestr("m/code/__torch__.py", code)
        return packed.getvalue()


def program(**changes):
    """Return the parts of an exported program with one tensor that are read, with the changes made."""
    tensor = {"dtype": 7, "sizes": [{"as_int": 2}]}
    leaf = {"type": None, "children_spec": []}
    spec = [1, {"children_spec": [{"children_spec": [leaf]}, {"children_spec": []}]}]
    document = {
        "graph_module": {
            "graph": {"tensor_values": {"x": changes.get("tensor", tensor)}},
            "signature": {"input_specs": [{"user_input": {"arg": changes.get("arg", {"as_tensor": {"name": "x"}})}}]},
            "module_call_graph": [{"fqn": "", "signature": {"in_spec": json.dumps(changes.get("spec", spec))}}],
        },
        "torch_version": "2.13.0",
    }
    return archive(m__models__model_dot_json=json.dumps(document), **changes.get("members", {}))


KEYWORDS = [1, {"children_spec": [{"children_spec": []}, {"children_spec": [{"type": None, "children_spec": []}]}]}]
EXPORT = "export it with torch.export.save, or script it with torch.jit.script"


@pytest.mark.parametrize(
    ("framework", "content", "said"),
    [
        ("pytorch", b"torch", f"it is not an archive of PyTorch 1.6 or later: {EXPORT}"),
        (
            "pytorch",
            archive(m__data_dot_pkl=b"\x80\x02ccollections\nOrderedDict\n)R."),
            f"it holds weights without the program that uses them: {EXPORT}",
        ),
        (
            "pytorch",
            archive(m__data_dot_pkl=b"\x80\x02c__main__\nNet\n)\x81}b."),
            f"it needs Net from the program that trained it: {EXPORT}",
        ),
        (
            "pytorch",
            script("def forward(self, x: List[Tensor]) -> Tensor:"),
            "its forward() takes 'x', a List[Tensor], and not tensors alone",
        ),
        ("pytorch", script("def backward(self, x: Tensor) -> Tensor:"), "its module has no forward()"),
        ("pytorch", program(arg={"as_int": 3}), "it takes something other than tensors"),
        ("pytorch", program(tensor={"dtype": 13, "sizes": []}), "its input 'x' has a type that numpy lacks"),
        ("pytorch", program(spec=KEYWORDS), "its forward() takes keyword arguments, or tensors in lists or dicts"),
        (
            "pytorch",
            program(members={"m__data__sample_dot_pt": archive(a__data_dot_pkl=EVIL)}),
            "a pickle in it names posix.system, which no tensor needs",
        ),
        ("xgboost", b"binf" + bytes(40), 'it is not in JSON or UBJSON: save it again with save_model("model.ubj")'),
        ("sklearn", b"\x80\x04K", "it is cut short"),
        ("sklearn", b"\x80\x04\x8c\x05numpy", "it is cut short"),
        ("pytorch", b"\x80\x02", "it is a pickle"),
        ("xgboost", b'{"learner": {', "it is not JSON to its end: it is damaged or cut short"),
        ("xgboost", b'{"limit": 3}', "it holds no model: save it with save_model"),
        ("lightgbm", b"\x80\x04.", "it is a pickle"),
        ("lightgbm", b"leaves", 'it is not in the text format of LightGBM: save it with save_model("model.txt")'),
        ("sklearn", b"\x04\x22\x4d\x18rest", "it is compressed with lz4, which mlpackage does not read"),
        (
            "sklearn",
            b"\x80\x02c__main__\nf\n.",
            "it needs f from the program that trained it, which the image does not have",
        ),
        ("onnx", b"\x08\x07", "it is not an ONNX model"),
    ],
)
def test_refusals(tmp_path, framework, content, said):
    """The reason names what stands in the way, and how to save the model instead if there is a way."""
    (tmp_path / "model").write_bytes(content)

    with pytest.raises(UnreadableModelError) as raised:
        read_facts(framework, tmp_path / "model")

    assert str(raised.value) == said


def test_a_whole_program(tmp_path):
    """The program that the refused ones are made from can be read."""
    (tmp_path / "model").write_bytes(program())

    assert read_facts("pytorch", tmp_path / "model").versions == {"torch": "2.13.0"}


@pytest.mark.parametrize(
    ("files", "framework", "said"),
    [
        ({}, "tensorflow", "it has no saved_model.pb: export it with tf.saved_model.save or model.export"),
        ({"saved_model.pb": b""}, "tensorflow", "it has no graph with the tag 'serve'"),
        ({}, "mlflow", "it has no MLmodel"),
        ({"MLmodel": b"flavors: {sklearn: {}}"}, "mlflow", "it has no flavor python_function"),
        ({"a.onnx": b"", "b.onnx": b""}, "onnx", "a model's folder must hold one .onnx file, and this one holds 2"),
        (
            {
                "MLmodel": b'flavors: {python_function: {loader_module: m}}\nsignature: {inputs: \'[{"type": "binary", '
                b'"name": "b"}]\'}'
            },
            "mlflow",
            "its column 'b' has the type binary, which a request's JSON cannot hold",
        ),
    ],
)
def test_folders(tmp_path, files, framework, said):
    """The error about a folder names what it lacks or holds that cannot be served."""
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    with pytest.raises(UnreadableModelError) as raised:
        read_facts(framework, tmp_path)

    assert str(raised.value) == said


LOADERS = {
    "sklearn skops": ("mlflow.sklearn", {"serialization_format": "skops", "pickled_model": "model.skops"}, ""),
    "sklearn pickle": (
        "mlflow.sklearn",
        {"serialization_format": "cloudpickle", "pickled_model": "model.pkl"},
        "model.pkl is a pickle, which is a program that runs when it is loaded",
    ),
    "xgboost": ("mlflow.xgboost", {"model_class": "xgboost.core.Booster", "data": "model.ubj"}, ""),
    "another class": (
        "mlflow.xgboost",
        {"model_class": "evil.Booster", "data": "model.ubj"},
        "its loader mlflow.xgboost may run programs that the folder brings",
    ),
    "its own code": (
        "mlflow.xgboost",
        {"model_class": "xgboost.core.Booster", "data": "model.ubj", "code": "code"},
        "its loader mlflow.xgboost may run programs that the folder brings",
    ),
    "its own loader": ("evil", {}, "its loader evil may run programs that the folder brings"),
}


@pytest.mark.parametrize("name", LOADERS)
def test_what_mlflow_runs(tmp_path, name):
    """Every loader and format counts as running code, except those that are known to keep data alone."""
    loader, flavor, said = LOADERS[name]
    flavors = {"python_function": {"loader_module": loader}, loader.removeprefix("mlflow."): flavor}
    (tmp_path / "MLmodel").write_text(json.dumps({"flavors": flavors, "mlflow_version": "3.17.2"}))

    assert read_facts("mlflow", tmp_path).runs_code == said
