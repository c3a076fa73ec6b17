"""Train the ridge model that every server serves, in its own environment: FOLDER/ridge.joblib.

Also write its coefficients to FOLDER/ridge.json, from which the benchmark computes the right answers.
"""

import json
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
model = Ridge().fit(*load_diabetes(return_X_y=True))
joblib.dump(model, folder / "ridge.joblib")
(folder / "ridge.json").write_text(json.dumps({"coefficients": list(model.coef_), "intercept": model.intercept_}))
