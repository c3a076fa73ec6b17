"""`Model.get_model_path`, with the original's rules and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.azureml.core import Model
from hatch_mlpackage.azureml.exceptions import ModelNotFoundException, WebserviceException

NOT_FOUND = (
    "Model {} not found in cache at azureml-models or in current working directory {}. "
    "For more info, set logging level to DEBUG."
)


@pytest.fixture(autouse=True)
def models(folder, monkeypatch):
    """Lay out models below the current folder, as an image has them."""
    monkeypatch.delenv("AML_APP_ROOT", raising=False)
    for path in (
        "azureml-models/mine/2/model.pkl",
        "azureml-models/mine/9/model.pkl",
        "azureml-models/mine/10/folder/model.pkl",
        "azureml-models/crowded/1/a",
        "azureml-models/crowded/1/b",
        "beside",
    ):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path)
    Path("azureml-models/mine/.DS_Store").write_text("")
    Path("azureml-models/bare").mkdir()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("mine",), "azureml-models/mine/10/folder"),
        (("mine", 9), "azureml-models/mine/9/model.pkl"),
        (("beside",), "beside"),
        (("beside", 3), "beside"),
    ],
)
def test_found(asked, found):
    """The highest number is the latest version, and a model that is not there may lie in the current folder."""
    assert Model.get_model_path(*asked) == found


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        (("none",), ModelNotFoundException, NOT_FOUND.format("none", "{here}")),
        (("mine", 3), WebserviceException, NOT_FOUND.format("mine", "{here}")),
        ((None,), WebserviceException, "model_name is None"),
        (("mine", "9"), WebserviceException, "version should be an int"),
        (
            ("crowded",),
            WebserviceException,
            "Dir azureml-models/crowded/1 can contain only 1 file or folder. Found ['a', 'b']",
        ),
        (("bare",), WebserviceException, "versions is empty"),
    ],
)
def test_not_found(folder, asked, kind, said):
    with pytest.raises(kind) as error:
        Model.get_model_path(*asked)

    assert error.value.message == said.replace("{here}", str(folder))


def test_from_a_workspace(ws, monkeypatch, folder):
    """With a workspace, the model is copied to the place where a script would find it."""
    Model.register(ws, "beside", "registered")
    monkeypatch.setenv("AML_APP_ROOT", str(folder / "app"))

    found = Model.get_model_path("registered", _workspace=ws)

    assert found == str(folder / "app/azureml-models/registered/1/beside")
    assert Model.get_model_path("registered", 1) == found
    with pytest.raises(
        ModelNotFoundException, match=r"Model/Version none/2 not found in workspace\. \['registered/1'\]"
    ):
        Model.get_model_path("none", 2, _workspace=ws)
