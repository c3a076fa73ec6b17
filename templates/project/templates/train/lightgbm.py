"""Train boosted trees on the diabetes data of scikit-learn, and keep their answer to the sample request."""

import json
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

rows, progression = load_diabetes(return_X_y=True)
rows, unseen, progression, truth = train_test_split(rows, progression, random_state=0)
settings = {"objective": "regression", "num_leaves": 8, "learning_rate": 0.1, "seed": 0, "verbosity": -1}
model = lightgbm.train(settings, lightgbm.Dataset(rows, progression), num_boost_round=50)

Path("models").mkdir(exist_ok=True)
model.save_model("models/model.txt")
sample = json.loads(Path("src/sample.json").read_text(encoding="utf-8"))["data"]
predicted = np.asarray(model.predict(np.array(sample)))
Path("predicted.json").write_text(json.dumps(predicted.tolist()), encoding="utf-8")
r2 = r2_score(truth, np.asarray(model.predict(unseen)))
print(f"Trained 50 trees on {len(rows)} patients; R2 on {len(unseen)} others: {r2:.3f}")
