from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hatch_mlpackage.azureml.core import Model, Workspace
from hatch_mlpackage.azureml.core.resource_configuration import ResourceConfiguration
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException


@pytest.fixture
def file(folder):
    (folder / "model.txt").write_text("one")
    return "model.txt"


@pytest.fixture
def tree(folder):
    for path in ("tree/a.txt", "tree/deep/b.txt", "tree/deep/c.txt"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    (folder / "tree/link.txt").symlink_to(folder / "tree/a.txt")
    return "tree"


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_model_is_a_copy(ws, file):
    """A registered model does not change with its file, and the changed file becomes another version."""
    first = Model.register(ws, file, "mine", description="the first")
    Path(file).write_text("two")
    second = Model.register(ws, file, "mine")

    assert [(model.id, model.path.read_text()) for model in (first, second)] == [("mine:1", "one"), ("mine:2", "two")]
    assert [model.description for model in Model.list(ws, "mine")] == [None, "the first"]


def test_folders(ws, tree):
    """A folder keeps its name, its links become their contents, and child paths keep their places below it."""
    whole = Model.register(ws, tree, "whole")
    part = Model.register(ws, "./tree/", "part", child_paths=["deep/b.txt"])
    parts = Model.register(ws, tree, "parts", child_paths=["deep", "a.txt"])

    assert (whole.path.name, contents(whole.path)["link.txt"], len(contents(whole.path))) == ("tree", "tree/a.txt", 4)
    assert contents(part.path.parent) == {"tree/deep/b.txt": "tree/deep/b.txt"}
    assert sorted(contents(parts.path)) == ["a.txt", "deep/b.txt", "deep/c.txt"]


def test_versions_given_at_once_are_all_kept(ws, file):
    """Programs that register at the same moment each get a version of their own."""
    code = (
        "from hatch_mlpackage.azureml.core import Model, Workspace\n"
        f"ws = Workspace.get('my-workspace')\nfor _ in range(3): Model.register(ws, {file!r}, 'mine')"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) for _ in range(3)]

    assert [program.wait(60) for program in programs] == [0, 0, 0]
    assert [model.version for model in Model.list(ws, "mine")] == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_finding(ws, file):
    """A model is found by name (the latest), by version, by id, and by tags and properties."""
    Model.register(ws, file, "mine", tags={"area": "diabetes", "stage": "old"})
    Model.register(ws, file, "mine", tags={"area": "diabetes"}, properties={"rmse": 53}, model_framework="Custom")
    Model.register(ws, file, "other")

    assert [
        Model(ws, "mine").id,
        Model(ws, "mine", version=1).id,
        Model(ws, id="mine:1").id,
        Model(ws, "mine", tags=["stage"]).id,
        Model(ws, "mine", properties=[["rmse", "53"]]).id,
    ] == ["mine:2", "mine:1", "mine:1", "mine:1", "mine:2"]
    assert [model.id for model in Model.list(ws)] == ["mine:2", "mine:1", "other:1"]
    assert [model.id for model in Model.list(ws, latest=True)] == ["mine:2", "other:1"]
    assert [model.id for model in Model.list(ws, tags=[["stage", "new"]])] == []
    assert [model.id for model in Model.list(ws, model_framework="Custom")] == ["mine:2"]
    assert Model.list(ws, run_id="a-run") == []
    assert ws.models.keys() == {"mine", "other"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "none"}, "ModelNotFound: Model with name none not found in provided workspace"),
        ({"name": "mine", "version": 7}, "ModelNotFound: Model with id mine:7 not found in provided workspace"),
        ({"id": "../mine:1"}, "ModelNotFound: Model with id ../mine:1 not found in provided workspace"),
        ({"id": "mine"}, "ModelNotFound: Model with id mine not found in provided workspace"),
        ({}, "Error, one of id or name must be provided."),
    ],
)
def test_not_found(ws, file, asked, said):
    Model.register(ws, file, "mine")

    with pytest.raises(WebserviceException) as error:
        Model(ws, **asked)

    assert error.value.message == said


INVALID_NAME = (
    "Error, provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or underscores, "
    "start with a letter or number, and be between 1 and 255 characters long."
)
INVALID_NUMBERS = """\
Invalid configuration, cpu must be greater than zero.
Invalid configuration, memory_in_gb must be greater than zero.
Invalid configuration, gpu must be integer and greater than zero.
"""


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"model_name": "-mine"}, WebserviceException, INVALID_NAME),
        (
            {"model_framework_version": "1.0"},
            WebserviceException,
            "Model framework version cannot be provided without a valid framework",
        ),
        ({"model_path": "none.txt"}, FileNotFoundError, "Path does not exist"),
        (
            {"child_paths": ["a.txt", "none.txt"]},
            WebserviceException,
            'Error, provided child path "none.txt" cannot be found',
        ),
        ({"tags": "area"}, WebserviceException, "Tags must be a dict"),
        (
            {"resource_configuration": ResourceConfiguration(cpu=0, memory_in_gb=-1.0, gpu=0.5)},
            WebserviceException,
            INVALID_NUMBERS,
        ),
    ],
)
def test_refused(ws, tree, given, kind, said):
    """What the original refused is refused in the same words and registers nothing."""
    with pytest.raises(kind) as error:
        Model.register(ws, **{"model_path": tree, "model_name": "mine", **given})

    assert (str(error.value), Model.list(ws)) == (said, [])


def test_download(ws, tree, folder):
    """A folder is copied under its name; existing files are overwritten only with `exist_ok`."""
    model = Model.register(ws, tree, "mine")

    first = model.download(target_dir="got")
    Path("got/tree/a.txt").write_text("mine")
    with pytest.raises(WebserviceException) as error:
        model.download(target_dir="got")
    assert (first, contents(folder / "got")["tree/a.txt"]) == ("got/tree", "mine")
    assert error.value.message == "File already exists. To overwrite, set exist_ok to True. got/tree/a.txt"
    assert model.download("got", exist_ok=True) == "got/tree"
    assert contents(folder / "got/tree") == contents(model.path)
    Path("other").mkdir()
    Path("other/tree").write_text("a file")
    with pytest.raises(FileExistsError, match=r"Cannot copy .*: one is a folder and the other is a file\."):
        model.download("other", exist_ok=True)


def test_tags_and_properties(ws, file, capsys):
    """Tags come and go, properties stay; other programs see the change."""
    model = Model.register(ws, file, "mine", tags={"a": "1"}, properties={"p": "1"})
    capsys.readouterr()

    model.add_tags({"a": "2", "b": 3})
    model.remove_tags(["b", "none"])
    model.add_properties({"q": 2})
    model.update(description="new", resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5))
    with pytest.raises(WebserviceException, match="property with key p already exists"):
        model.add_properties({"p": "2"})

    seen = Model(ws, "mine")
    assert (seen.tags, seen.properties, seen.description) == ({"a": "2"}, {"p": "1", "q": "2"}, "new")
    assert seen.resource_configuration.serialize() == {"cpu": 1, "memoryInGB": 0.5, "gpu": None}
    assert seen.serialize() == model.serialize()
    assert Model.deserialize(ws, seen.serialize()).serialize() == seen.serialize()
    assert capsys.readouterr().out.splitlines() == [
        "Replacing tag a -> 1 with a -> 2",
        "Model tag add operation complete.",
        "Tag with key none not found.",
        "Model tag remove operation complete.",
        "Model properties add operation complete.",
    ]


def test_delete(ws, file):
    """A deleted version cannot be found or changed, and its number is not used again."""
    model = Model.register(ws, file, "mine")

    model.delete()

    assert Model.list(ws) == []
    with pytest.raises(WebserviceException, match="ModelNotFound"):
        model.add_tags({"a": "1"})
    assert Model.register(ws, file, "mine").id == "mine:2"


def test_resource_configuration_needs_all_keys():
    with pytest.raises(WebserviceException, match="missing gpu for ResourceConfiguration"):
        ResourceConfiguration.deserialize({"cpu": 1, "memoryInGB": 1})


def test_tags_to_look_for_are_a_list(ws):
    with pytest.raises(UserErrorException, match="Expected tags must be list type"):
        Model.list(ws, tags={"a": "1"})


def test_another_workspace_has_models_of_its_own(ws, file):
    Model.register(ws, file, "mine")

    assert Model.list(Workspace.get("another")) == []
