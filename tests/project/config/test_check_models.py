"""The keys that say how a model can be served without an entry script."""

from __future__ import annotations

import pytest

from hatch_mlpackage.project.config.keys import Model, ModelInput
from hatch_mlpackage.project.read_config import read_declaration

K = "tool.mlpackage"
RIDGE = {"name": "ridge", "path": "models/ridge.pkl"}
CHOICES = "sklearn, skops, onnx, tensorflow, pytorch, xgboost, lightgbm, mlflow"
NAME_IT = 'Name the script with init() and run(): entry-script = "score.py"'


def found(problems):
    return [str(problem) for problem in problems.found]


def test_accepted(make_project, problems):
    """With a framework the entry script may be missing, and keys may state what the model's file does not say."""
    project = make_project(
        {
            "entry-script": "",
            "models": [
                {
                    **RIDGE,
                    "framework": "pytorch",
                    "framework-version": "2.5.1",
                    "allow-pickle": True,
                    "inputs": [{"name": "x", "shape": [-1, 4]}, {"name": "ids", "type": "int64"}],
                }
            ],
        }
    )

    config = read_declaration(project, problems).config

    assert found(problems) == []
    assert config.no_code_model == Model(
        name="ridge",
        path="models/ridge.pkl",
        framework="pytorch",
        framework_version="2.5.1",
        allow_pickle=True,
        inputs=(ModelInput(name="x", shape=(-1, 4)), ModelInput(name="ids", type="int64")),
    )


def test_with_an_entry_script(make_project, problems):
    """An entry script is used even if a model names its framework."""
    config = read_declaration(make_project({"models": [{**RIDGE, "framework": "sklearn"}]}), problems).config

    assert (found(problems), config.no_code_model) == ([], None)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"models": [RIDGE]},
            (
                f"{K}.entry-script: is required and missing. {NAME_IT}; or, for a single model, name its framework "
                f"in its table: framework = one of {CHOICES}."
            ),
        ),
        (
            {"models": [{**RIDGE, "framework": "sklearn"}, {**RIDGE, "name": "other"}]},
            (
                f"{K}.entry-script: is required and missing: framework replaces it only where there is one model, "
                f"and there are 2. {NAME_IT}."
            ),
        ),
        (
            {"models": [{**RIDGE, "framework": "sklearn"}], "source-directory": "src"},
            (
                f"{K}.entry-script: is required and missing, because source-directory is set. {NAME_IT}; or remove "
                "source-directory."
            ),
        ),
    ],
)
def test_no_entry_script(make_project, problems, table, expected):
    """The message names the frameworks, or says why a framework cannot replace the entry script here."""
    read_declaration(make_project({"entry-script": "", **table}), problems)

    assert expected in found(problems)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"framework": "Sklearn"}, f"framework: 'Sklearn' is not one of {CHOICES}. Did you mean 'sklearn'?"),
        ({"framework": 3}, "framework: must be a string, not 3."),
        (
            {"framework": "sklearn", "framework-version": "new"},
            "framework-version: 'new' is not a version. Write one such as \"1.5.2\".",
        ),
        ({"allow-pickle": True}, "allow-pickle: describes a framework, but the model names none. Set framework."),
        (
            {"framework": "onnx", "inputs": [{"name": "x"}, {"name": "x"}]},
            "inputs[1].name: 'x' is empty or used twice. Give each input its own name.",
        ),
        (
            {"framework": "onnx", "inputs": [{"name": "x", "type": "flaot32"}]},
            (
                "inputs[0].type: 'flaot32' is not one of float16, float32, float64, bool, str, int8, int16, int32, "
                "int64, uint8, uint16, uint32, uint64. Did you mean 'float32'?"
            ),
        ),
        (
            {"framework": "onnx", "inputs": [{"name": "x", "shape": [-2]}]},
            "inputs[0].shape: holds a size below -1. Write -1 where any size is allowed.",
        ),
    ],
)
def test_refused(make_project, problems, keys, expected):
    """A wrong value is reported with its full key, what it is and what is allowed."""
    read_declaration(make_project({"models": [{**RIDGE, **keys}]}), problems)

    assert found(problems) == [f"{K}.models[0].{expected}"]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"models": [{"name": "m", "path": "https://models.example/m", "sha256": "A" * 64, "max-size-mb": 1}]}, []),
        ({"private-hosts": ["models.example", "127.0.0.1", "::1"]}, []),
        (
            {"models": [{**RIDGE, "sha256": "a" * 64, "max-size-mb": 5}]},
            [
                f"{K}.models[0].sha256: is for a model that is declared by URL. Remove it.",
                f"{K}.models[0].max-size-mb: is for a model that is declared by URL. Remove it.",
            ],
        ),
        (
            {"models": [{"name": "m", "path": "https://models.example/m", "sha256": "../../x", "max-size-mb": 0}]},
            [
                f"{K}.models[0].sha256: '../../x' is not a sha256. Write the 64 characters that `sha256sum` prints.",
                f"{K}.models[0].max-size-mb: is less than 1. Write a number of megabytes, such as 20000.",
            ],
        ),
        (
            {"private-hosts": ["models.example", "https://models.example"]},
            [
                (
                    f"{K}.private-hosts[1]: 'https://models.example' is not the name of a host. "
                    'Write a name or an address, without a scheme or a port: "models.example" or "127.0.0.1".'
                )
            ],
        ),
    ],
)
def test_which_file_a_url_may_have(make_project, problems, table, expected):
    """The keys that say which file a URL may have, and where it may be, are checked with the rest."""
    read_declaration(make_project(table), problems)

    assert found(problems) == expected


def test_an_empty_file(make_project, problems):
    """A model's file of no bytes is an error: nothing can load it."""
    project = make_project()
    (project.root / "models/ridge.pkl").write_bytes(b"")

    read_declaration(project, problems)

    assert found(problems) == [
        (
            f"{K}.models[0].path: 'models/ridge.pkl' is empty (0 bytes). "
            "Save the model again, or copy or download its file again."
        )
    ]
