"""XGBoost's and LightGBM's models without an entry script answer over HTTP as they do in process."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_diabetes

pytestmark = pytest.mark.slow
DATA, TARGET = load_diabetes(return_X_y=True, as_frame=True)
SAMPLE = DATA.iloc[:4]


def train_xgboost(data):
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(data, TARGET), 5)
    return booster, lambda rows: booster.predict(xgboost.DMatrix(rows)).tolist()


def train_lightgbm(data):
    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(data, TARGET), 5)
    return booster, lambda rows: booster.predict(rows).tolist()


@pytest.mark.parametrize(
    ("file", "framework", "train"),
    [("model.ubj", "xgboost", train_xgboost), ("model.txt", "lightgbm", train_lightgbm)],
)
def test_named_features(project_of, serve, file, framework, train, close_to):
    """Named features are given by name or in their order, and null is a missing value."""
    booster, predict = train(DATA)
    project = project_of(file, framework, booster.save_model)

    served = serve(project)

    expected = close_to({"predict": predict(SAMPLE)})
    assert served.score(data=SAMPLE.to_dict("records")) == expected
    assert served.score(data=SAMPLE.to_numpy().tolist()) == expected
    with_gap = SAMPLE.assign(bmi=np.nan)
    gaps = [{**record, "bmi": None} for record in SAMPLE.to_dict("records")]
    assert served.score(data=gaps) == close_to({"predict": predict(with_gap)})
    assert served.refusal(data=[{"age": 1.0}]) == (400, "The input does not fit the model: a row lacks sex, bmi, bp")
    assert served.refusal(data=[[["x"]] * 10])[0] == 400


@pytest.mark.parametrize(
    ("file", "framework", "train"),
    [("model.json", "xgboost", train_xgboost), ("model.txt", "lightgbm", train_lightgbm)],
)
def test_features_without_names(project_of, serve, file, framework, train, close_to):
    """Features without names are given in their order, and their number is checked."""
    booster, predict = train(DATA.to_numpy())

    served = serve(project_of(file, framework, booster.save_model))

    assert served.score(data=SAMPLE.to_numpy().tolist()) == close_to({"predict": predict(SAMPLE.to_numpy())})
    assert served.refusal(data=[[1.0]])[0] == 400
