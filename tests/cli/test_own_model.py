"""A project around a user's own model answers the sample that it ships as the model itself does."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import xgboost
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from hatch_mlpackage.project.pyproject import load_project

Predict = Callable[[Any], Any]

IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
NAMES = load_iris().target_names[SPECIES]  # classes that are texts
DIABETES, PROGRESSION = load_diabetes(return_X_y=True, as_frame=True)
KINDS = {"classifier": (IRIS, SPECIES), "regressor": (DIABETES, PROGRESSION)}
TOWNS = pd.DataFrame(
    {
        "age": [20.0, 35.0, 50.0, 65.0],
        "town": ["Ålesund", "Bergen", "Ålesund", "Bergen"],
        "floor": [3, 7, 3, 7],
        "note": ["quiet street", "busy street", "quiet park", "busy road"],
    }
)
SOLD = ["yes", "no", "yes", "no"]


def data_of(kind: str, given: str) -> tuple[Any, Any]:
    """Return what a model is trained on: a frame or an array."""
    data, target = KINDS[kind]
    return (data, target) if given == "frame" else (data.to_numpy(), target.to_numpy())


def as_given(data: Any, given: str) -> Any:
    """Return a sample's rows as the model's own program would hold them."""
    return pd.DataFrame(data) if given == "frame" else np.array(data)


def dumped(folder: Path, model: Any, given: str) -> tuple[Path, Predict]:
    joblib.dump(model, folder / "model.joblib")
    return folder / "model.joblib", lambda data: model.predict(as_given(data, given)).tolist()


def sklearn_model(folder: Path, kind: str, given: str) -> tuple[Path, Predict]:
    data, target = data_of(kind, given)
    model = RandomForestClassifier(3, random_state=0) if kind == "classifier" else Ridge()
    model = make_pipeline(StandardScaler(), model).fit(data, NAMES if kind == "classifier" else target)
    return dumped(folder, model, given)


def xgboost_wrapper(folder: Path, kind: str, given: str) -> tuple[Path, Predict]:
    made = xgboost.XGBClassifier if kind == "classifier" else xgboost.XGBRegressor
    return dumped(folder, made(n_estimators=40).fit(*data_of(kind, given)), given)


def lightgbm_wrapper(folder: Path, kind: str, given: str) -> tuple[Path, Predict]:
    made = lightgbm.LGBMClassifier if kind == "classifier" else lightgbm.LGBMRegressor
    return dumped(folder, made(n_estimators=40, verbose=-1).fit(*data_of(kind, given)), given)


def xgboost_booster(folder: Path, kind: str, given: str) -> tuple[Path, Predict]:
    made = xgboost.XGBClassifier if kind == "classifier" else xgboost.XGBRegressor
    path = folder / ("model.json" if given == "frame" else "model.ubj")
    made(n_estimators=3).fit(*data_of(kind, given)).save_model(path)
    booster = xgboost.Booster(model_file=path)
    return path, lambda data: booster.predict(xgboost.DMatrix(as_given(data, given))).tolist()


def lightgbm_booster(folder: Path, kind: str, given: str) -> tuple[Path, Predict]:
    made = lightgbm.LGBMClassifier if kind == "classifier" else lightgbm.LGBMRegressor
    booster = made(n_estimators=3, verbose=-1).fit(*data_of(kind, given)).booster_
    booster.save_model(folder / "model.txt")
    return folder / "model.txt", lambda data: booster.predict(as_given(data, given)).tolist()


def onnx_model(folder: Path, kind: str, given: str) -> tuple[Path, Predict]:
    """Convert a model; one that was trained on a frame takes each column as a tensor of its own."""
    data, target = data_of(kind, given)
    model = LogisticRegression(max_iter=500) if kind == "classifier" else Ridge()
    scaler = ColumnTransformer([("all", StandardScaler(), [*range(data.shape[1])])])
    model = make_pipeline(scaler if given == "frame" else StandardScaler(), model).fit(data, target)
    content = to_onnx(model, data[:1].astype(np.float32)).SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    session = onnxruntime.InferenceSession(content)

    def predict(*tensors: Any) -> Any:
        taken = session.get_inputs()
        kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64}
        given = {it.name: np.array(tensor, kinds[it.type]) for it, tensor in zip(taken, tensors, strict=True)}
        return session.run(None, given)[0].tolist()

    return folder / "model.onnx", predict


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mlpackage) -> Callable[..., Path]:
    """Give a function that bakes a project around a model, and returns its folder."""
    monkeypatch.chdir(tmp_path)

    def bake(model: Path, *flags: object) -> Path:
        outcome = mlpackage("new", "around", "--model", model, *flags, "--no-input", "--no-lock")
        assert (outcome.status, outcome.err) == (0, "")
        return tmp_path / "around"

    return bake


def sample_of(project: Path) -> dict[str, Any]:
    return json.loads((project / "src/sample.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("given", ["frame", "array"])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@pytest.mark.parametrize(
    "save",
    [
        sklearn_model,
        xgboost_wrapper,
        lightgbm_wrapper,
        xgboost_booster,
        lightgbm_booster,
        onnx_model,
    ],
)
def test_the_sample_is_answered(tmp_path, around, serve, close_to, save, kind, given):
    """The service answers its own sample as the model does, however the model was trained and saved."""
    path, predict = save(tmp_path, kind, given)

    project = around(path)

    request = sample_of(project)
    assert serve(load_project(project)).score(**request) == close_to(predict(*request.values()))


def mixed_table(folder: Path) -> tuple[Path, Predict]:
    """Train on columns of numbers, of texts that are categories, of numbers that are categories, and of free text."""
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["age"]),
            ("town", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["town"]),
            ("floor", OrdinalEncoder(), ["floor"]),
            ("note", TfidfVectorizer(), "note"),
        ]
    )
    search = GridSearchCV(make_pipeline(columns, LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2)
    return dumped(folder, search.fit(TOWNS, SOLD), "frame")


def mixed_rows(folder: Path) -> tuple[Path, Predict]:
    """Train on an array with numbers and texts; the sample invents names for its columns."""
    columns = ColumnTransformer([("town", OneHotEncoder(), [1])], remainder="passthrough")
    model = make_pipeline(columns, Ridge()).fit(TOWNS[["age", "town"]].to_numpy(), [0, 1, 2, 3])
    joblib.dump(model, folder / "model.joblib")
    return folder / "model.joblib", lambda data: model.predict([[*row.values()] for row in data]).tolist()


def texts(folder: Path) -> tuple[Path, Predict]:
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(TOWNS["note"], SOLD)
    joblib.dump(model, folder / "model.joblib")
    return folder / "model.joblib", lambda data: model.predict(data).tolist()


def categories(folder: Path) -> tuple[Path, Predict]:
    """Train on a category of pandas, which an array gives by its code."""
    table = pd.DataFrame({"age": np.arange(40.0), "town": pd.Categorical(["Bergen", "Oslo"] * 20)})
    model = xgboost.XGBRegressor(n_estimators=2, enable_categorical=True).fit(table, table["age"])
    return dumped(folder, model, "array")


def images(folder: Path) -> tuple[Path, Predict]:
    """Write a network that takes images of a fixed size, and the kind of each as a text."""
    inputs = [
        helper.make_tensor_value_info("pixels:0", TensorProto.UINT8, [1, 3, 8, 8]),
        helper.make_tensor_value_info("kind", TensorProto.STRING, [1]),
        helper.make_tensor_value_info("scale", TensorProto.DOUBLE, []),
    ]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, None)]
    nodes = [
        helper.make_node("Cast", ["pixels:0"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["row"]),
        helper.make_node("ReduceSum", ["row"], ["sum"]),
        helper.make_node("Identity", ["kind"], ["same"]),
        helper.make_node("Identity", ["scale"], ["factor"]),
    ]
    graph = helper.make_graph(nodes, "images", inputs, outputs)
    onnx.save_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    return folder / "model.onnx", lambda pixels, kind, scale: [[float(np.sum(pixels))]]


@pytest.mark.slow
@pytest.mark.parametrize("save", [mixed_table, mixed_rows, texts, images])
def test_more_than_numbers(tmp_path, around, serve, close_to, save):
    """The sample has what the encoders, vectorizers and tensors of a model take, where it is more than numbers."""
    path, predict = save(tmp_path)

    project = around(path)

    request = sample_of(project)
    assert serve(load_project(project)).score(**request) == close_to(predict(*request.values()))


@pytest.mark.slow
def test_rows_by_name(tmp_path, around, serve, close_to):
    """Rows give their columns by name in any order, null is a missing value, and a row without a column gets 400."""
    path, predict = xgboost_booster(tmp_path, "regressor", "frame")
    rows = DIABETES[:2].to_dict("records")
    turned = [dict(reversed(row.items())) for row in rows]
    gaps = [{**row, "bmi": None} for row in rows]

    served = serve(load_project(around(path)))

    assert served.score(data=turned) == close_to(predict(rows))
    assert served.score(data=gaps) == close_to(predict([{**row, "bmi": np.nan} for row in rows]))
    assert served.refusal(data=[{"age": 1.0}]) == (
        400,
        "The input does not match the schema of run(): a row lacks sex, bmi, bp and 6 more",
    )
    without = {name: value for name, value in rows[1].items() if name != "bp"}
    assert served.refusal(data=[rows[0], without]) == (
        400,
        "The input does not match the schema of run(): a row lacks bp",
    )
    assert list(served.input_schema()["data"]["items"]["properties"]) == list(DIABETES.columns)


def test_what_else_the_model_imports(tmp_path, around):
    """The requirements name what the model's file imports, and the system packages of that."""
    path, _ = lightgbm_wrapper(tmp_path, "regressor", "frame")

    project = load_project(around(path))

    assert [name for name in project.dependencies or () if "==" not in name] == [
        "joblib",
        "numpy",
        "scikit-learn",
        "lightgbm",
        "pandas",
        "inference-schema[numpy-support]",
    ]
    assert project.table["system-packages"] == ["libgomp1"]


@pytest.mark.slow
def test_lightgbm_categories_by_code(tmp_path, monkeypatch, mlpackage, serve, close_to):
    """A model of LightGBM takes the codes of its categories, and answers as it does for their names."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"age": np.arange(80.0), "town": pd.Categorical(["Bergen", "Oslo"] * 40)})
    target = table["age"] + 100 * (table["town"] == "Oslo")
    booster = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(table, target).booster_
    booster.save_model("towns.txt")

    outcome = mlpackage("new", "around", "--model", "towns.txt", "--no-input", "--no-lock")

    assert (outcome.status, "which a request gives by their codes" in outcome.err) == (0, True)
    service = serve(load_project(tmp_path / "around"))
    rows = [{"age": 3.0, "town": 0.0}, {"age": 3.0, "town": 1.0}]
    names = pd.DataFrame({"age": [3.0, 3.0], "town": pd.Categorical(["Bergen", "Oslo"])})
    assert service.score(data=rows) == close_to(booster.predict(names).tolist())


@pytest.mark.parametrize(
    ("save", "said", "of_booster"),
    [
        (sklearn_model, "with a scikit-learn model.", False),
        (xgboost_wrapper, "with an XGBoost model.", False),
        (lightgbm_wrapper, "with a LightGBM model.", False),
        (xgboost_booster, "with an XGBoost model.", True),
        (lightgbm_booster, "with a LightGBM model.", True),
    ],
)
def test_what_the_project_says(tmp_path, around, save, said, of_booster):
    """The script names the framework that made the model, and says where the answer is not the class."""
    path, _ = save(tmp_path, "classifier", "array")

    project = around(path)

    document = ast.get_docstring(ast.parse((project / "src/score.py").read_text(encoding="utf-8")))
    assert document.splitlines()[0].endswith(said)
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert ["probabilities if the model is a classifier" in text for text in (document, readme)] == [of_booster] * 2


def test_categories_by_code(tmp_path, monkeypatch, mlpackage):
    """Where a request gives categories by their codes, `new` says so."""
    monkeypatch.chdir(tmp_path)
    path, _ = categories(tmp_path)

    outcome = mlpackage("new", "around", "--model", path, "--no-input", "--no-lock")

    assert outcome.status == 0
    assert outcome.err == (
        f"Hint[configuration]: {path}: some of its columns are categories of pandas, which a request gives by their "
        "codes, 0 for the first category. Edit src/score.py to take their names.\n"
    )
    assert sample_of(tmp_path / "around") == {"data": [[0.0, 0.0]]}


def test_features_that_the_file_contradicts(tmp_path, monkeypatch, mlpackage):
    """`--features` cannot contradict the model's file."""
    monkeypatch.chdir(tmp_path)
    path, _ = sklearn_model(tmp_path, "regressor", "array")

    outcome = mlpackage("new", "around", "--model", path, "--features", "3", "--no-input", "--no-lock")

    assert (outcome.status, outcome.err.splitlines()[-1]) == (
        2,
        f"Error: {path} takes 10 numbers in a row, not 3: leave out --features.",
    )
    assert not (tmp_path / "around").exists()


def test_open_sizes(tmp_path, monkeypatch, mlpackage):
    """Where a model's file leaves a size open, the sample has one and `new` says what to edit."""
    monkeypatch.chdir(tmp_path)
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 3, "height", "width"])
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["same"])], "open", [pixels], [])
    graph.output.extend([helper.make_tensor_value_info("same", TensorProto.FLOAT, None)])
    onnx.save_model(helper.make_model(graph), tmp_path / "net.onnx")

    outcome = mlpackage("new", "--model", "net.onnx", "--no-input", "--no-lock")

    assert outcome.status == 0
    assert outcome.err == (
        "Hint[configuration]: net.onnx: it takes data with open sizes, which are 1 in the sample. "
        "Write real sizes into src/sample.json.\n"
    )
    assert sample_of(tmp_path / "net") == {"data": [[[[0.0]], [[0.0]], [[0.0]]]]}
