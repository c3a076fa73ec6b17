"""Remove the files that the answers exclude."""

import shutil
from pathlib import Path

TRAINED = "{{ cookiecutter._own_model and 'own' }}" != "own"
WANTED = {
    ".github": "{{ cookiecutter.ci }}" == "github",
    "LICENSE": "{{ cookiecutter.licence }}" != "proprietary",
    "azure-pipelines.yml": "{{ cookiecutter.ci }}" == "azure",
    "environment.yml": "{{ cookiecutter.dependencies }}" == "conda",
    "tests/test_train.py": TRAINED,
    "train.py": TRAINED,
}

for cache in Path().rglob("__pycache__"):  # when pip installs mlpackage, it compiles the files of the template too
    shutil.rmtree(cache)

for name, wanted in WANTED.items():
    if not wanted:
        shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink()
