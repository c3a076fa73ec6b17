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


DIR = 'os.environ["AZUREML_MODEL_DIR"]'


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f'os.path.join({DIR}, "rigde.joblib")', "rigde.joblib"),
        (f'Path({DIR}, "rigde.joblib")', "rigde.joblib"),
        (f'Path({DIR}) / "rigde.joblib"', "rigde.joblib"),
        (f'Path({DIR}).joinpath("rigde.joblib")', "rigde.joblib"),
        ("os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'rigde.joblib')", "rigde.joblib"),
        ("os.path.join(os.environ.get('AZUREML_MODEL_DIR', '.'), 'rigde.joblib')", "rigde.joblib"),
        ("os.path.join(folder, 'rigde.joblib')", "rigde.joblib"),
        ("Path(folder) / 'ridge' / '1' / 'ridge.joblib'", "ridge/1/ridge.joblib"),
    ],
)
def test_a_model_that_is_not_there(check, path, said):
    """A literal path below the folder of the models that no model has is a warning with the nearest one."""
    init = f"def init():\n    folder = {DIR}\n    use({path})\n"
    script = f"import os\nfrom pathlib import Path\n{init}def run(data):\n    pass\n"

    found = check(script, files={"azureml-models/ridge/1/ridge.joblib": ""}, model_dir="azureml-models/ridge/1")

    what, fix = f"'{said}' is not in AZUREML_MODEL_DIR.", "Did you mean 'ridge.joblib'?"
    assert found == [("score.py:5", "warning", "unpacked-file", what, fix)]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("ridge.joblib", "Did you mean 'ridge/1/ridge.joblib'?"),
        ("ridge/2/ridge.joblib", "Did you mean 'ridge/1/ridge.joblib'?"),
        ("net.onnx", "It has ridge/1/ridge.joblib, words/3/words.txt."),
    ],
)
def test_one_of_several_models(check, name, fix):
    """With several models, a path starts with the name and the version of one."""
    files = {"azureml-models/ridge/1/ridge.joblib": "", "azureml-models/words/3/words.txt": ""}

    found = check(f"import os\nuse(os.path.join({DIR}, '{name}'))\n", files=files, model_dir="azureml-models")

    assert [advice for *_, advice in found] == [fix]


@pytest.mark.parametrize(
    "body",
    [
        f"use(os.path.join({DIR}, 'ridge.joblib'))",
        f"use(Path({DIR}, 'more'))",
        f"use(Path({DIR}, 'more') / 'words.txt')",
        f"use(os.path.join({DIR}, NAME))",
        f"use(os.path.join({DIR}, '..', 'other'))",
        f"use(glob(os.path.join({DIR}, '*.pkl')))",
        f"path = os.path.join({DIR}, 'x.pkl')\nif os.path.exists(path): use(path)",
        f"try:\n    use(os.path.join({DIR}, 'x.pkl'))\nexcept OSError:\n    pass",
        f"folder = {DIR}\nfolder = other()\nuse(os.path.join(folder, 'x.pkl'))",
        f"def unused():\n    use(os.path.join({DIR}, 'x.pkl'))",
        "use(os.path.join(os.environ['HOME'], 'x.pkl'))",
    ],
)
def test_models_that_are_no_finding(check, body):
    """What is there, what is not spelt out, and what the script looks for first is no finding."""
    files = {"azureml-models/ridge/1/ridge.joblib": "", "azureml-models/ridge/1/more/words.txt": ""}

    script = f"import os\nfrom glob import glob\nfrom pathlib import Path\n{body}\n"
    assert check(script, files=files, model_dir="azureml-models/ridge/1") == []
