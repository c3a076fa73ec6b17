"""Train a small network on the diabetes data of scikit-learn, and keep its answer to the sample request."""

import json
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
rows, progression = load_diabetes(return_X_y=True)
rows, unseen, progression, truth = train_test_split(rows.astype(np.float32), progression, random_state=0)
inputs, targets = torch.from_numpy(rows), torch.from_numpy(progression.astype(np.float32))

model = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1), torch.nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=0.01)
for _ in range(500):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(inputs), targets).backward()
    optimizer.step()

Path("models").mkdir(exist_ok=True)
any_number_of_rows = ({0: torch.export.Dim("rows")},)
exported = torch.export.export(model.eval(), (inputs[:2],), dynamic_shapes=any_number_of_rows)
torch.export.save(exported, "models/model.pt2")
sample = json.loads(Path("src/sample.json").read_text(encoding="utf-8"))["data"]
with torch.inference_mode():
    r2 = r2_score(truth, model(torch.from_numpy(unseen)).numpy())
    predicted = exported.module()(torch.tensor(sample)).tolist()
Path("predicted.json").write_text(json.dumps(predicted), encoding="utf-8")
print(f"Trained a network on {len(rows)} patients; R2 on {len(unseen)} others: {r2:.3f}")
