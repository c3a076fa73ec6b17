"""Remove the files that the answers exclude."""

import json
import shutil
from pathlib import Path

ANSWERS = json.loads({{ cookiecutter | tojson | tojson }})
TRAINED = not ANSWERS["_own_model"]
WANTED = {
    ".github": ANSWERS["ci"] == "github",
    "LICENSE": ANSWERS["licence"] != "proprietary",
    "azure-pipelines.yml": ANSWERS["ci"] == "azure",
    "environment.yml": ANSWERS["dependencies"] == "conda",
    "tests/test_train.py": TRAINED,
    "train.py": TRAINED,
}

for cache in Path().rglob("__pycache__"):  # when pip installs mlpackage, it compiles the files of the template too
    shutil.rmtree(cache)

for name, wanted in WANTED.items():
    if not wanted:
        shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink()
