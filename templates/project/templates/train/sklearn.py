"""Train Ridge on the diabetes data of scikit-learn, and keep its answer to the sample request."""

import json
from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

rows, progression = load_diabetes(return_X_y=True)
rows, unseen, progression, truth = train_test_split(rows, progression, random_state=0)
model = Ridge(alpha=0.1).fit(rows, progression)

Path("models").mkdir(exist_ok=True)
joblib.dump(model, "models/model.joblib")
sample = json.loads(Path("src/sample.json").read_text(encoding="utf-8"))["data"]
Path("predicted.json").write_text(json.dumps(model.predict(sample).tolist()), encoding="utf-8")
print(f"Trained Ridge on {len(rows)} patients; R2 on {len(unseen)} others: {model.score(unseen, truth):.3f}")
