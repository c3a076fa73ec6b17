"""An entry script with a model of one array of 500 MB."""

import numpy as np


def init():
    global model  # noqa: PLW0603 - entry scripts do so
    model = np.ones(500_000_000 // 8)


def run(text):
    return text if model[0] else None
