"""Train Ridge on the diabetes data of scikit-learn, save it as ONNX, and keep its answer to the sample request."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

rows, progression = load_diabetes(return_X_y=True)
rows, unseen, progression, truth = train_test_split(rows, progression, random_state=0)
model = Ridge(alpha=0.1).fit(rows, progression)
exported = to_onnx(model, rows[:1].astype(np.float32)).SerializeToString()

Path("models").mkdir(exist_ok=True)
Path("models/model.onnx").write_bytes(exported)
session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
sample = json.loads(Path("src/sample.json").read_text(encoding="utf-8"))["data"]
(predicted,) = session.run(None, {session.get_inputs()[0].name: np.array(sample, dtype=np.float32)})
Path("predicted.json").write_text(json.dumps(predicted.tolist()), encoding="utf-8")
print(f"Trained Ridge on {len(rows)} patients; R2 on {len(unseen)} others: {model.score(unseen, truth):.3f}")
