from __future__ import annotations

import json
from pathlib import Path

import pytest

from hatch_mlpackage.azureml.core import Workspace
from hatch_mlpackage.azureml.exceptions import UserErrorException, WorkspaceException

NAMES = {"subscription_id": "0f3b", "resource_group": "team", "workspace_name": "ours"}
SCOPE = "/subscriptions/0f3b/resourceGroups/team/providers/Microsoft.MachineLearningServices/workspaces/ours"


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (".azureml/config.json", json.dumps(NAMES)),
        ("aml_config/config.json", json.dumps(NAMES)),
        ("config.json", json.dumps({**NAMES, "tenant_id": "ignored"})),
        ("aml_config/project.json", json.dumps({"Id": None, "Scope": SCOPE})),
    ],
)
def test_a_config_is_found(folder, monkeypatch, place, content):
    """The configuration file is found where the original looked, in the current folder or one above it."""
    file = folder / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    (folder / "notebooks/deep").mkdir(parents=True)
    monkeypatch.chdir(folder / "notebooks/deep")

    ws = Workspace.from_config(auth="ignored")

    assert [ws.subscription_id, ws.resource_group, ws.name] == ["0f3b", "team", "ours"]


def test_a_config_is_written_and_read(folder):
    """`from_config` reads what `write_config` wrote, and a workspace without an account has no subscription."""
    ws = Workspace.create("mine")

    ws.write_config()

    assert json.loads(Path(".azureml/config.json").read_text()) == {
        "subscription_id": None,
        "resource_group": None,
        "workspace_name": "mine",
    }
    assert Workspace.from_config().folder == ws.folder


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "The workspace configuration file cannot be read."),
        ("[]", "The workspace configuration file cannot be read."),
        ('{"workspace_name": "ours"}', "subscription_id, resource_group missing."),
        ('{"subscription_id": "a", "resource_group": "b", "workspace_name": ""}', "workspace_name missing."),
        (json.dumps({**NAMES, "workspace_name": "../../ours"}), "'../../ours' is not a name for a workspace"),
    ],
)
def test_a_config_that_names_no_workspace(folder, content, said):
    Path("config.json").write_text(content)

    with pytest.raises(UserErrorException) as error:
        Workspace.from_config()

    assert said in error.value.message


def test_no_config(folder):
    with pytest.raises(UserErrorException, match=r"could not be found in .*Workspace\.create"):
        Workspace.from_config(path=str(folder / "elsewhere"))


def test_create_and_get(folder, tmp_path):
    """Creating a name that is in use is refused, and `get` opens a workspace or makes a new one."""
    ws = Workspace.create("mine", subscription_id="0f3b", resource_group="team", location="westeurope")
    (ws.folder / "models").mkdir()

    with pytest.raises(WorkspaceException, match="Workspace with name 'mine' already exists"):
        Workspace.create("mine", subscription_id="0f3b", resource_group="team")
    assert Workspace.create("mine", None, "0f3b", "team", exist_ok=True).folder == ws.folder
    assert Workspace.get("mine", subscription_id="0f3b", resource_group="team").folder == ws.folder
    assert Workspace("0f3b", "team", "other").folder.is_dir()
    assert {name: len(found) for name, found in Workspace.list("0f3b").items()} == {"mine": 1, "other": 1}
    assert Workspace.list("another") == {}
    assert Workspace.get("mine", folder=tmp_path / "chosen").folder == tmp_path / "chosen"


def test_no_folder_for_data(monkeypatch):
    """Without a folder for the user's data, the error names the variable to set."""
    monkeypatch.delenv("MLPACKAGE_DATA_DIR")
    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    with pytest.raises(UserErrorException, match="Set MLPACKAGE_DATA_DIR"):
        Workspace.get("mine")


def test_the_users_folder(monkeypatch, tmp_path):
    """Workspaces lie in the system's folder for the user's data."""
    monkeypatch.delenv("MLPACKAGE_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))

    assert Workspace.get("mine").folder == tmp_path / "xdg/hatch-mlpackage/workspaces/local/local/mine"
