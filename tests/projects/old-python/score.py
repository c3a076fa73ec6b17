import os
from pathlib import Path


def init():
    global greeting
    greeting = Path(os.environ["AZUREML_MODEL_DIR"], "greeting.txt").read_text().strip()


def run(data):
    return f"{greeting}, {data}!"
