"""MLflow's pyfunc folders without an entry script answer over HTTP as they do in process."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
import xgboost
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from hatch_mlpackage.context.package import inspect_project

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own code causes warnings on import
    import mlflow.pyfunc
    import mlflow.sklearn
    import mlflow.xgboost
    from mlflow.models import infer_signature

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning:mlflow", "ignore::FutureWarning:mlflow"),
]
DATA, TARGET = load_diabetes(return_X_y=True, as_frame=True)
SAMPLE = DATA.iloc[:3]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    """Keep MLflow's own database out of the working tree, and turn its telemetry off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def save_ridge(path):
    model = Ridge().fit(DATA, TARGET)
    signature = infer_signature(DATA, model.predict(DATA))
    pins = [f"mlflow=={mlflow.__version__}", "scikit-learn"]
    mlflow.sklearn.save_model(model, path, signature=signature, pip_requirements=pins, serialization_format="skops")


def test_columns(project_of, serve, close_to):
    """A model with a signature of columns takes a table of those types, and needs only mlflow-skinny."""
    project = project_of("ridge", "mlflow", save_ridge)
    expected = close_to(mlflow.pyfunc.load_model(str(project.root / "ridge")).predict(SAMPLE).tolist())

    served = serve(project)

    table = SAMPLE.to_dict("split")
    assert served.score(input_data={"columns": table["columns"], "data": table["data"]}) == expected
    swapped = SAMPLE[SAMPLE.columns[::-1]].to_dict("split")
    assert served.score(input_data={"columns": swapped["columns"], "data": swapped["data"]}) == expected
    assert served.score(input_data={"data": table["data"]}) == expected
    assert served.refusal(input_data={"columns": ["age"], "data": [["old"]]})[0] == 400
    assert served.refusal(input_data={"columns": ["age"], "data": [[1]]})[0] == 400
    asked = inspect_project(project).requirements
    assert f"mlflow-skinny=={mlflow.__version__}" in asked.requirements
    assert not [text for text in asked.requirements if text.startswith("mlflow==")]


def save_booster(path):
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(DATA.to_numpy(), TARGET), 5)
    signature = infer_signature(DATA.to_numpy(), TARGET.to_numpy())
    mlflow.xgboost.save_model(booster, path, signature=signature, pip_requirements=["xgboost-cpu"])


def test_a_tensor(project_of, serve, close_to):
    """A model with a signature of one tensor takes an array of its shape."""
    project = project_of("booster", "mlflow", save_booster)
    expected = close_to(mlflow.pyfunc.load_model(str(project.root / "booster")).predict(SAMPLE.to_numpy()).tolist())

    served = serve(project)

    assert served.score(input_data=SAMPLE.to_numpy().tolist()) == expected
    assert served.refusal(input_data=[[1.0]])[0] == 400


def greeter():
    """Make the model's class with MLflow's advice on it silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        class Greeter(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                names = model_input["name"]
                return pd.DataFrame({"greeting": "Hello, " + names, "length": names.str.len()})

        return Greeter()


def save_greeter(path):
    names = pd.DataFrame({"name": ["you"]})
    signature = infer_signature(names, greeter().predict(None, names))
    mlflow.pyfunc.save_model(path, python_model=greeter(), signature=signature, pip_requirements=["cloudpickle"])


def test_a_python_model(project_of, serve):
    """A custom Python model, which is a pickle, is served if the project allows pickles."""
    served = serve(project_of("greeter", "mlflow", save_greeter, "allow-pickle = true"))

    assert served.score(input_data={"data": [["world"]]}) == [{"greeting": "Hello, world", "length": 5}]
