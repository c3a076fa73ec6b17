"""The programs for BentoML, each an endpoint of one service."""

import os
from pathlib import Path

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Service:
    def __init__(self):
        self.model = joblib.load(Path(os.environ["BENCH_MODELS"], "ridge.joblib"))

    @bentoml.api
    def echo(self, data: list) -> dict:
        return {"data": data}

    @bentoml.api
    def ridge(self, data: np.ndarray) -> np.ndarray:
        return self.model.predict(data)

    @bentoml.api
    def raw(self, data: Path, /) -> int:
        return data.stat().st_size
