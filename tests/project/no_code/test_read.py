"""Generated entry scripts, and the notes about what a model's file does not say."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.config.keys import Model, ModelInput
from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor
from hatch_mlpackage.project.no_code.read import write_script
from hatch_mlpackage.project.sources.entry_script import read_entry_script

GOLDEN = Path(__file__).resolve().parents[2] / "golden/no-code"


def model(framework, path, **more):
    return Model(name="demo", path=f"models/{path}", framework=framework, **more)


COLUMNS = ("sepal length (cm)", "sepal width (cm)")
SCRIPTS = {
    "sklearn-rows": (model("sklearn", "demo.joblib", allow_pickle=True), ModelFacts(feature_count=4)),
    "sklearn-columns": (
        model("sklearn", "demo.pkl", allow_pickle=True),
        ModelFacts(features=COLUMNS, feature_count=2, label=""),
    ),
    "sklearn-unknown": (model("sklearn", "demo.pkl", allow_pickle=True), ModelFacts(missing=("what it takes",))),
    "sklearn-declared": (
        model(
            "sklearn",
            "demo.pkl",
            allow_pickle=True,
            inputs=(ModelInput(name="age", type="int64"), ModelInput(name="town", type="str")),
        ),
        ModelFacts(missing=("what it takes",)),
    ),
    "skops": (model("skops", "demo.skops"), ModelFacts(feature_count=4)),
    "xgboost": (model("xgboost", "demo.ubj"), ModelFacts(features=("a", "b"), feature_count=2, categories=True)),
    "lightgbm": (model("lightgbm", "demo.txt"), ModelFacts(feature_count=4)),
    "onnx": (
        model("onnx", "demo.onnx"),
        ModelFacts(
            inputs=(
                Tensor(name="input:0", type="float32", shape=(-1, 3, -1, -1)),
                Tensor(name="class", type="str", shape=(-1,)),
            ),
            outputs=(Tensor(name="scores", type=""),),
        ),
    ),
    "pytorch-script": (
        model("pytorch", "demo.pt"),
        ModelFacts(inputs=(Tensor(name="x", type="float32"),), signatures=("script",)),
    ),
    "pytorch-program": (
        model("pytorch", "demo.pt2"),
        ModelFacts(
            inputs=(
                Tensor(name="x", type="float32", shape=(-1, 4)),
                Tensor(name="image", type="float32", shape=(1, 3, 224, 224)),
            ),
            signatures=("program",),
        ),
    ),
    "tensorflow": (
        model("tensorflow", "demo"),
        ModelFacts(inputs=(Tensor(name="x", type="float32", shape=(-1, 4)),), signatures=("serving_default",)),
    ),
    "mlflow-columns": (
        model("mlflow", "demo"),
        ModelFacts(
            inputs=(Tensor(name="age", type="float64", shape=()), Tensor(name="town", type="str", shape=())),
            signatures=("columns",),
        ),
    ),
    "mlflow-tensor": (
        model("mlflow", "demo"),
        ModelFacts(inputs=(Tensor(name="", type="float64", shape=(-1, 4)),), signatures=("tensors",)),
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(request, name):
    """Each generated script is the reviewed one, is a valid entry script, and parses with the oldest Python."""
    made = write_script(*SCRIPTS[name])

    path = GOLDEN / f"{name.replace('-', '_')}.py"
    if request.config.getoption("--update-golden"):
        path.write_text(made.script)
    assert made.script == path.read_text()
    problems = Problems()
    script = read_entry_script(made.script.encode(), "score.py", problems)
    assert (script.call_style, problems.found) == ("schema", ())
    ast.parse(made.script, feature_version=(3, 6))
    assert set(json.loads(made.sample)) <= set(script.parameters)


def programs(script):
    """Return the kinds of a script's statements."""
    tree = ast.parse(script)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = 0
    return [type(node).__name__ for node in tree.body]


HOSTILE = (
    *('"""', "'''", "\n", '\\"\\\n', "#", "\\", "\\N{DEL}", "{{ 1 }}", "{% x %}", "{# x #}", "${x}", "`x`", "%s", ""),
    *(
        "class",
        "None",
        "self",
        "request_headers",
        "data",
        "..",
        "/",
        "-x",
        "\x00",
        "\x7f",
        "\u2028",
        "\u202e",
        "\ud800",
    ),
    *("\U0001f600\n", "\udc80\U0001f600", "ü", "a" * 5000, "): pass\nimport os\nos.system('x')\n#", "{0}"),
)
ANY_NAME = st.text(min_size=1, max_size=20) | st.sampled_from(
    ['"""', "\n", '\\"\\\n', "#", "{{ 1 }}", "{% x %}", "\ud800"]
)


@settings(deadline=None, max_examples=60)
@given(name=ANY_NAME, other=ANY_NAME)
@pytest.mark.parametrize("framework", ["sklearn", "xgboost", "onnx", "pytorch", "tensorflow", "mlflow"])
def test_names_are_no_code(framework, name, other):
    """The names of features, inputs, outputs and signatures never change the script's program."""

    def facts(name, other):
        tensor = Tensor(name=name, type="float32", shape=(-1, 2))
        columns = {"features": (name,), "feature_count": 1} if framework in {"sklearn", "xgboost"} else {}
        return ModelFacts(inputs=(tensor,), outputs=(Tensor(name=other, type=""),), signatures=(other,), **columns)

    made = write_script(model(framework, "demo"), facts(name, other))

    assert programs(made.script) == programs(write_script(model(framework, "demo"), facts("x", "y")).script)
    assert json.loads(made.sample)


def constants(script):
    """Return every string in a script."""
    return {node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant)}


@settings(deadline=None, max_examples=60, derandomize=True)
@given(names=st.lists(ANY_NAME | st.sampled_from(HOSTILE), min_size=1, max_size=4, unique=True))
@pytest.mark.parametrize("framework", ["sklearn", "skops", "xgboost", "lightgbm", "onnx", "tensorflow", "mlflow"])
def test_names_are_read_back(framework, names):
    """The script and the sample request hold the model's names exactly, whatever is in them."""
    tensors = tuple(Tensor(name=name, type="float32", shape=(-1, 2)) for name in names)
    in_columns = framework in {"sklearn", "skops", "xgboost", "lightgbm"}
    columns = {"features": tuple(names), "feature_count": len(names)} if in_columns else {}
    facts = ModelFacts(inputs=tensors, outputs=tensors, signatures=(names[0],), **columns)

    made = write_script(model(framework, 'de"mo\\.bin'), facts)

    read_back = constants(made.script.encode())
    assert 'de"mo\\.bin' in read_back
    if framework == "mlflow":  # a single tensor without a name is an array
        assert set(names) <= read_back or names == [""]
    elif framework == "tensorflow":  # a single input stands for its value
        assert {*names} <= read_back if len(names) > 1 else names[0] in read_back
    else:
        assert set(names) <= read_back
    sample = json.loads(made.sample.encode())
    if in_columns:
        assert sample == {"data": [dict.fromkeys(names, 0.0)]}


@pytest.mark.parametrize("shape", [(1_000_000_000, 0), (0, 1_000_000_000), (1,) * 64, (-1,) * 64, (-(10**30), 10**30)])
@pytest.mark.parametrize("framework", ["onnx", "tensorflow", "mlflow"])
def test_a_sample_is_small(framework, shape):
    """The sample request stays small for any shape that a model's file may give."""
    facts = ModelFacts(inputs=(Tensor(name="x", type="float32", shape=shape),), signatures=("serving_default",))

    made = write_script(model(framework, "demo"), facts)

    assert len(made.sample) < 10_000
    assert json.loads(made.sample)


def test_types_are_no_code():
    """A type that does not exist is refused and reaches no script."""
    facts = ModelFacts(inputs=(Tensor(name="x", type="float32); evil(", shape=(1,)),))

    with pytest.raises(ValueError, match="it takes float32"):
        write_script(model("onnx", "demo.onnx"), facts)


def test_a_note_names_the_missing_key():
    """A note names the key that states what the model's file does not say, until that key is set."""
    facts = ModelFacts(missing=("the version of LightGBM that made it",), feature_count=2)

    (note,) = write_script(model("lightgbm", "demo.txt"), facts).notes
    assert note == (
        "its file does not say the version of LightGBM that made it: the newest lightgbm is locked. "
        "State it in framework-version."
    )
    assert write_script(model("lightgbm", "demo.txt", framework_version="4.6.0"), facts).notes == ()
    assert (
        "lightgbm==4.6.0" in write_script(model("lightgbm", "demo.txt", framework_version="4.6.0"), facts).requirements
    )
