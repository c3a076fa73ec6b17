"""Save a model for each program that MLflow serves, as FOLDER/<program>."""

import base64
import shutil
import sys
from pathlib import Path

import joblib
import mlflow
import numpy as np


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


class Raw(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [len(base64.b64decode(text)) for text in np.ravel(model_input)]


folder = Path(sys.argv[1])
for program in ("echo", "ridge", "raw"):
    shutil.rmtree(folder / program, ignore_errors=True)
requirements = ["mlflow", "scikit-learn"]
mlflow.pyfunc.save_model(folder / "echo", python_model=Echo(), pip_requirements=requirements)
mlflow.pyfunc.save_model(folder / "raw", python_model=Raw(), pip_requirements=requirements)
mlflow.sklearn.save_model(joblib.load(folder / "ridge.joblib"), folder / "ridge", pip_requirements=requirements)
