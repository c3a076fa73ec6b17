"""Save the model, as a training run does at its end."""

import shutil

import mlflow

shutil.rmtree("saved", ignore_errors=True)
mlflow.pyfunc.save_model(
    "saved", python_model="model.py", artifacts={"weights": "weights.bin"}, pip_requirements=["mlflow", "idna"]
)
