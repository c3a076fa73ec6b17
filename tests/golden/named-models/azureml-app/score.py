import os
from pathlib import Path


def init():
    global models
    models = Path(os.environ["AZUREML_MODEL_DIR"])


def run(data):
    return {
        path.relative_to(models).as_posix(): [path.read_text(), oct(path.stat().st_mode & 0o777)]
        for path in sorted(models.rglob("*"))
        if path.is_file()
    }
