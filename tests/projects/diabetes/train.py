"""Train the model: `python train.py [ALPHA]`."""

import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

ALPHA = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

features, progression = load_diabetes(return_X_y=True)
target = Path(__file__).parent / "models/ridge.pkl"
target.parent.mkdir(exist_ok=True)
joblib.dump(Ridge(alpha=ALPHA).fit(features, progression), target)
