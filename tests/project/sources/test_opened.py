"""Files that a script opens, and pickles that it loads."""

from __future__ import annotations

import pytest

NOT_THERE = "Declare it as a model, or put it into the source-directory."


@pytest.mark.parametrize(
    ("script", "what", "fix"),
    [
        ('open("labels.json")', "'labels.json' is not in the image.", NOT_THERE),
        ('import pandas as pd\npd.read_csv("data/x.csv")', "'data/x.csv' is not in the image.", NOT_THERE),
        ('from pathlib import Path\nPath("a", "b.txt").read_text()', "'a/b.txt' is not in the image.", NOT_THERE),
        ('from pathlib import Path\n(Path("a") / "b.bin").read_bytes()', "'a/b.bin' is not in the image.", NOT_THERE),
        ('import os\nopen(os.path.join("a", "b.txt"))', "'a/b.txt' is not in the image.", NOT_THERE),
        ('open("/home/anna/x.csv")', "'/home/anna/x.csv' is a path that only one machine has.", NOT_THERE),
        ('open(r"C:\\data\\x.csv")', "'C:\\data\\x.csv' is a path that only one machine has.", NOT_THERE),
        (
            'import numpy as np\nnp.load("models/ridge/w.npy")',
            "'models/ridge/w.npy' is a model, which has another path in the image.",
            'Open os.path.join(os.environ["AZUREML_MODEL_DIR"], "ridge/w.npy").',
        ),
        (
            'open("config.yml")',
            "'config.yml' is in the project, but not where the image's server runs.",
            "Put it into the source-directory and open it below Path(__file__).parent, or declare it as a model.",
        ),
    ],
)
def test_a_file_that_is_not_packed(check, script, what, fix):
    """Reading a file by a literal path that the image does not have is a warning."""
    found = check(f"def init():\n    pass\n{script}\n", beside={"config.yml": ""}, models={"models/ridge": "ridge"})

    assert [(level, code, said, advice) for _, level, code, said, advice in found] == [
        ("warning", "unpacked-file", what, fix)
    ]


@pytest.mark.parametrize(
    "script",
    [
        'open("labels.json")',
        'open("./data")',
        'import mlflow_like\nmlflow_like.load_model("models:/ridge/3")',
        'open("https://example.com/x.csv")',
        'open("words")',
        'open("x.log", mode="a")',
        'open("x.log", MODE)',
    ],
)
def test_paths_that_are_no_finding(check, script):
    """Packed files and folders, URLs, plain names and files that the script writes are no findings."""
    files = {"labels.json": "{}", "data/x": "", "mlflow_like.py": ""}

    assert check(script, files=files) == []


@pytest.mark.parametrize(
    ("script", "locked", "name"),
    [
        ("import joblib\njoblib.load(X)\njoblib.load(Y)", {}, "joblib.load"),
        ("from pickle import load\nload(X)", {}, "pickle.load"),
        ("import torch\ntorch.load(X)", {}, "torch.load"),
        ("import torch\ntorch.load(X, weights_only=False)", {"torch": "2.7"}, "torch.load"),
    ],
)
def test_the_risk_of_pickles_is_said_once(check, script, locked, name):
    """Loading a pickle is a hint, given once, at the first place that does it."""
    assert check(script, locked) == [
        (
            "score.py:2",
            "hint",
            "unpickling",
            f"{name} runs whatever code the file holds.",
            "Package only models whose origin you know; ONNX, safetensors and skops files hold none.",
        )
    ]


@pytest.mark.parametrize(
    ("script", "locked"),
    [
        ("import torch\ntorch.load(X, weights_only=True)", {}),
        ("import torch\ntorch.load(X)", {"torch": "2.6.0"}),
        ("import json\njson.load(X)", {}),
    ],
)
def test_what_loads_data_alone(check, script, locked):
    """Loaders that run no code are no findings."""
    assert check(script, locked) == []
