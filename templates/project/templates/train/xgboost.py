"""Train boosted trees on the diabetes data of scikit-learn, and keep their answer to the sample request."""

import json
from pathlib import Path

import numpy as np
import xgboost
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

rows, progression = load_diabetes(return_X_y=True)
rows, unseen, progression, truth = train_test_split(rows, progression, random_state=0)
settings = {"max_depth": 3, "eta": 0.1, "objective": "reg:squarederror", "seed": 0}
model = xgboost.train(settings, xgboost.DMatrix(rows, progression), num_boost_round=50)

Path("models").mkdir(exist_ok=True)
model.save_model("models/model.ubj")
sample = json.loads(Path("src/sample.json").read_text(encoding="utf-8"))["data"]
predicted = model.predict(xgboost.DMatrix(np.array(sample)))
Path("predicted.json").write_text(json.dumps(predicted.tolist()), encoding="utf-8")
r2 = r2_score(truth, model.predict(xgboost.DMatrix(unseen)))
print(f"Trained 50 trees on {len(rows)} patients; R2 on {len(unseen)} others: {r2:.3f}")
