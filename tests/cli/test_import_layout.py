"""Compare the layout of an imported configuration's image with that of the original's images."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
# The original generated such a script around the user's, which it names by `driver_module`.
DRIVER = """\
import score as driver_module


def init():
    driver_module.init()


def run(http_body, request_headers):
    return driver_module.run(http_body)
"""
PROJECT = {
    "score.py": SCRIPT,
    "src/score.py": SCRIPT,
    "src/package/__init__.py": "",
    "src/package/words.py": "WORDS = ()\n",
    "azureml-app/main.py": DRIVER,
    "azureml-app/score.py": SCRIPT,
    "models/ridge.pkl": "ridge",
    "models/tokenizer/vocabulary.txt": "a b",
    "models/tokenizer/deep/config.json": "{}",
}
ROOT = "/var/azureml-app"


class Layout(NamedTuple):
    inference: dict[str, str]
    models: tuple[str, ...]
    files: tuple[str, ...]
    variables: dict[str, str]


LAYOUTS = {
    "one model": Layout(
        {"entryScript": "score.py"},
        ("ridge=models/ridge.pkl",),
        ("azureml-app/score.py", "azureml-models/ridge/1/ridge.pkl"),
        {"AZUREML_ENTRY_SCRIPT": "score.py", "AZUREML_MODEL_DIR": f"{ROOT}/azureml-models/ridge/1"},
    ),
    "two models": Layout(
        {"entryScript": "score.py"},
        ("ridge:3=models/ridge.pkl", "tokenizer:10=models/tokenizer"),
        (
            "azureml-app/score.py",
            "azureml-models/ridge/3/ridge.pkl",
            "azureml-models/tokenizer/10/tokenizer/deep/config.json",
            "azureml-models/tokenizer/10/tokenizer/vocabulary.txt",
        ),
        {"AZUREML_ENTRY_SCRIPT": "score.py", "AZUREML_MODEL_DIR": f"{ROOT}/azureml-models"},
    ),
    "a folder": Layout(
        {"entryScript": "./score.py"},
        ("tokenizer:2=models/tokenizer",),
        (
            "azureml-app/score.py",
            "azureml-models/tokenizer/2/tokenizer/deep/config.json",
            "azureml-models/tokenizer/2/tokenizer/vocabulary.txt",
        ),
        {"AZUREML_ENTRY_SCRIPT": "score.py", "AZUREML_MODEL_DIR": f"{ROOT}/azureml-models/tokenizer/2"},
    ),
    "source directory, no model": Layout(
        {"entryScript": "score.py", "sourceDirectory": "./src/"},
        (),
        ("azureml-app/src/package/__init__.py", "azureml-app/src/package/words.py", "azureml-app/src/score.py"),
        {"AZUREML_ENTRY_SCRIPT": "src/score.py", "AZUREML_SOURCE_DIRECTORY": "src"},
    ),
    "driver": Layout(
        {"entryScript": "main.py", "sourceDirectory": "azureml-app"},
        ("ridge=models/ridge.pkl",),
        ("azureml-app/azureml-app/main.py", "azureml-app/azureml-app/score.py", "azureml-models/ridge/1/ridge.pkl"),
        {
            "AZUREML_ENTRY_SCRIPT": "azureml-app/main.py",
            "AZUREML_SOURCE_DIRECTORY": "azureml-app",
            "AZUREML_MODEL_DIR": f"{ROOT}/azureml-models/ridge/1",
        },
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    locks = tmp_path / "locks"
    locks.mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.network
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layout(folder, mlpackage, layout):
    """Scripts, source trees and models lie where the original puts them, whether imported or used in place."""
    (folder / "inferenceconfig.json").write_text(json.dumps(layout.inference))
    models = [part for model in layout.models for part in ("--model", model)]
    assert mlpackage("import-azureml", "inferenceconfig.json", *models).status == 0
    assert mlpackage("lock").status == 0

    assert mlpackage("generate", "--output", "context").status == 0

    context = folder / "context"
    laid = tuple(
        sorted(path.relative_to(context).as_posix() for path in context.glob("azureml-*/**/*") if path.is_file())
    )
    assert laid == layout.files
    said = [line for line in (context / "Dockerfile").read_text().splitlines() if line.startswith("ENV A")]
    expected = {"AML_APP_ROOT": ROOT, **layout.variables}
    assert sorted(said) == sorted(f'ENV {name}="{value}"' for name, value in expected.items())

    text = (folder / "pyproject.toml").read_text()
    table = '[tool.mlpackage]\ninference-config = "inferenceconfig.json"\n'
    head, _, rest = text.partition("[tool.mlpackage]\n")
    (folder / "pyproject.toml").write_text(f"{head}{table}{rest[rest.find('[[') :] if '[[' in rest else ''}")
    assert mlpackage("generate", "--output", "in-place").status == 0
    manifests = [(folder / name / "manifest.json").read_text() for name in ("context", "in-place")]
    assert manifests[0] == manifests[1]
