"""Fit a line to the speeds and stopping distances of cars, and keep its answer to the sample request.

The data of the 1920s come from M. Ezekiel, Methods of Correlation Analysis (1930), in miles per hour and feet.
"""

import json
import statistics
from pathlib import Path

DISTANCES = {
    4: [2, 10],
    7: [4, 22],
    8: [16],
    9: [10],
    10: [18, 26, 34],
    11: [17, 28],
    12: [14, 20, 24, 28],
    13: [26, 34, 34, 46],
    14: [26, 36, 60, 80],
    15: [20, 26, 54],
    16: [32, 40],
    17: [32, 40, 50],
    18: [42, 56, 76, 84],
    19: [36, 46, 68],
    20: [32, 48, 52, 56, 64],
    22: [66],
    23: [54],
    24: [70, 92, 93, 120],
    25: [85],
}
speeds = [float(speed) for speed, distances in DISTANCES.items() for _ in distances]
distances = [float(distance) for distances in DISTANCES.values() for distance in distances]
line = statistics.linear_regression(speeds, distances)

Path("models").mkdir(exist_ok=True)
model = {"intercept": line.intercept, "slope": line.slope}
Path("models/model.json").write_text(json.dumps(model), encoding="utf-8")
sample = json.loads(Path("src/sample.json").read_text(encoding="utf-8"))["data"]
predicted = [line.intercept + line.slope * speed for (speed,) in sample]
Path("predicted.json").write_text(json.dumps(predicted), encoding="utf-8")
r2 = statistics.correlation(speeds, distances) ** 2
print(f"Fitted a line to {len(speeds)} cars; R2 on the same cars: {r2:.3f}")
