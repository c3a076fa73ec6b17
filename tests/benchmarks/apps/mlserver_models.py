"""Write a folder for each program that MLServer serves: FOLDER/<program>/model-settings.json."""

import json
import shutil
import sys
from pathlib import Path

IMPLEMENTATIONS = {
    "echo": "mlserver_app.Echo",
    "ridge": "mlserver_sklearn.SKLearnModel",
    "raw": "mlserver_app.Raw",
}

folder = Path(sys.argv[1])
for program, implementation in IMPLEMENTATIONS.items():
    model = folder / program
    model.mkdir(exist_ok=True)
    shutil.copy(folder / "ridge.joblib", model)
    shutil.copy(Path(__file__).with_name("mlserver_app.py"), model)
    settings = {"name": program, "implementation": implementation, "parameters": {"uri": "./ridge.joblib"}}
    (model / "model-settings.json").write_text(json.dumps(settings))
    (model / "settings.json").write_text(json.dumps({"parallel_workers": 1, "host": "127.0.0.1"}))
