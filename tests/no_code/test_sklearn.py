"""scikit-learn's models without an entry script answer over HTTP as they do in process."""

from __future__ import annotations

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from hatch_mlpackage.context.package import inspect_project

pytestmark = pytest.mark.slow
VOUCHED = "allow-pickle = true"


def test_rows(tmp_path, declare, serve, close_to):
    """A model that was trained on an array takes rows of the same length, and describes its input."""
    features, target = load_diabetes(return_X_y=True)
    model = Ridge().fit(features, target)
    joblib.dump(model, tmp_path / "ridge.joblib", compress=3)

    served = serve(declare("ridge.joblib", "sklearn", VOUCHED))

    assert served.score(data=features[:3].tolist()) == close_to({"predict": model.predict(features[:3]).tolist()})
    assert served.input_schema()["data"] == {
        "type": "array",
        "items": {"type": "array", "items": {"type": "number", "format": "double"}},
        "format": "numpy.ndarray",
    }
    status, message = served.refusal(data=[[1.0, 2.0]])
    assert (status, "array has size 2 on dimension #1, while expected value is 10" in message) == (400, True)
    assert served.refusal(data=features[:1].tolist(), method="predict_proba") == (
        400,
        "The input does not fit the model: it has no method predict_proba",
    )


@pytest.fixture(scope="module")
def forest():
    """Train a pipeline with named columns whose classes are strings."""
    iris = load_iris(as_frame=True)
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    return pipeline.fit(iris.data, iris.target_names[iris.target]), iris.data


@pytest.mark.parametrize("framework", ["sklearn", "skops"])
def test_named_columns(tmp_path, declare, serve, forest, framework, close_to):
    """A model that was trained on named columns takes records in any order, or rows in its own order."""
    import skops.io  # noqa: PLC0415

    model, data = forest
    if framework == "skops":
        skops.io.dump(model, tmp_path / "forest")
    else:
        joblib.dump(model, tmp_path / "forest")
    sample = data.iloc[[0, 60, 120]]

    served = serve(declare("forest", framework, VOUCHED))

    expected = {"predict": model.predict(sample).tolist()}
    assert served.score(data=sample.to_numpy().tolist()) == expected
    assert served.score(data=sample[sample.columns[::-1]].to_dict("records")) == expected
    assert served.score(data=sample.to_dict("records"), method="predict_proba") == close_to(
        {"predict_proba": model.predict_proba(sample).tolist()}
    )
    assert list(served.input_schema()["data"]["items"]["properties"]) == list(data.columns)
    assert served.refusal(data=[{"sepal length (cm)": 1.0}]) == (
        400,
        "The input does not fit the model: a row lacks sepal width (cm), petal length (cm), petal width (cm)",
    )
    assert served.refusal(data=[[1.0, 2.0]]) == (400, "The input does not fit the model: a row has 4 values")


def test_columns_of_words(tmp_path, declare, serve):
    """The sample request has a word that the model's encoder knows, and a number in its place is refused."""
    people = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "plan": ["basic", "pro", "basic", "pro"]})
    encoded = make_column_transformer((OneHotEncoder(), ["plan"]), remainder="passthrough")
    model = make_pipeline(encoded, LogisticRegression()).fit(people, [0, 1, 0, 1])
    joblib.dump(model, tmp_path / "churn.joblib")
    project = declare("churn.joblib", "sklearn", VOUCHED)

    served = serve(project)

    sample = json.loads(inspect_project(project).no_code.sample)
    assert sample == {"data": [{"age": 0.0, "plan": "basic"}]}
    assert served.score(**sample) == {"predict": model.predict(pd.DataFrame(sample["data"])).tolist()}
    status, message = served.refusal(data=[{"age": 1.0, "plan": 0.0}])
    assert (status, message.startswith("The input does not fit the model: ")) == (400, True)


def test_a_model_of_texts(tmp_path, declare, serve):
    """A model of texts takes a list of texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.naive_bayes import MultinomialNB  # noqa: PLC0415

    texts = ["good day", "good night", "bad day", "bad night"]
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(texts, np.array([1, 1, 0, 0]))
    joblib.dump(model, tmp_path / "texts.joblib")

    served = serve(declare("texts.joblib", "sklearn", VOUCHED))

    assert served.score(data=["a good day", "a bad one"]) == {"predict": [1, 0]}
