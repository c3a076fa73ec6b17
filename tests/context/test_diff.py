from __future__ import annotations

import hashlib
import json

import pytest

from hatch_mlpackage.context.diff import ContextDiff, FileChange, LayerDiff, Side, ValueChange, compare, read_side
from hatch_mlpackage.context.manifest import Manifest, ManifestFile
from hatch_mlpackage.errors import ContextError

LAYERS = ("environment", "runtime", "azureml-models/a/1", "azureml-models/b/1", "source", "manifest")
DOCKERFILE = (
    "FROM python:3.12",
    "RUN apt-get install libgomp1",
    "COPY environment/requirements.txt /opt/mlpackage/environment/requirements.txt",
    "RUN pip install",
    "COPY runtime/requirements.txt /opt/mlpackage/server/requirements.txt",
    "RUN pip install server",
    "COPY runtime/ /opt/mlpackage/runtime/",
    "COPY azureml-models/a/1/ /var/azureml-app/azureml-models/a/1/",
    "COPY azureml-models/b/1/ /var/azureml-app/azureml-models/b/1/",
    "COPY azureml-app/ /var/azureml-app/",
    "COPY manifest.json sbom.cdx.json /opt/mlpackage/",
    'LABEL a="1"',
)


def file(path, layer, contents="1", mode="0644"):
    return ManifestFile(path=path, layer=layer, size=len(contents), mode=mode, sha256=contents)


FILES = (
    file("Dockerfile", "build"),
    file("azureml-app/score.py", "source"),
    file("azureml-models/a/1/a", "azureml-models/a/1"),
    file("azureml-models/b/1/b", "azureml-models/b/1"),
    file("environment/requirements.txt", "environment"),
)


def side(
    *changed, layers=LAYERS, dockerfile=DOCKERFILE, packages=None, base="python:3.12", known=True, environment=None
):
    files = {one.path: one for one in (*FILES, *changed)}
    variables = {} if environment is None else {"environment": environment}
    about = {"image": {"base": base, "python": "3.12", **variables}}
    made = Manifest(about=about, layers=layers, files=tuple(files[path] for path in sorted(files)))
    if not known:
        return Side(manifest=made)
    return Side(manifest=made, dockerfile=dockerfile, packages={"environment": {"numpy": "1.0"}, **(packages or {})})


def test_the_same():
    """A context compared with itself shows no changes."""
    found = compare(side(), side())

    assert found == ContextDiff(about=(), layers=(), dockerfile=(), rebuilt=())
    assert found.same


def test_a_model():
    """A new model changes its own layer, and a rebuild makes the layers above it again."""
    found = compare(side(), side(file("azureml-models/b/1/b", "azureml-models/b/1", "22")))

    change = FileChange(path="azureml-models/b/1/b", kind="changed", before=1, after=2)
    assert found == ContextDiff(
        about=(),
        layers=(LayerDiff(name="azureml-models/b/1", files=(change,), packages=()),),
        dockerfile=(),
        rebuilt=("azureml-models/b/1", "source", "manifest"),
    )
    assert not found.same


def test_files_of_every_kind():
    """Each layer lists its added, removed and changed files by path; a new mode counts as a change."""
    found = compare(
        side(file("azureml-app/gone.py", "source")),
        side(file("azureml-app/come.py", "source"), file("azureml-app/score.py", "source", mode="0755")),
    )

    assert found.layers[0].files == (
        FileChange(path="azureml-app/come.py", kind="added", before=None, after=1),
        FileChange(path="azureml-app/gone.py", kind="removed", before=1, after=None),
        FileChange(path="azureml-app/score.py", kind="changed", before=1, after=1),
    )
    assert found.rebuilt == ("source", "manifest")


def test_packages():
    """A changed environment is listed package by package, with both versions."""
    found = compare(
        side(packages={"environment": {"numpy": "1.0", "six": "1"}, "runtime": {"h11": "1"}}),
        side(
            file("environment/requirements.txt", "environment", "2"),
            packages={"environment": {"numpy": "2.0", "idna": "3"}, "runtime": {"h11": "1"}},
        ),
    )

    assert found.layers[0].packages == (
        ValueChange(name="idna", before=None, after="3"),
        ValueChange(name="numpy", before="1.0", after="2.0"),
        ValueChange(name="six", before="1", after=None),
    )
    assert found.rebuilt == LAYERS


def test_a_variable():
    """A changed variable of the image has both values; a manifest that lists no variables gives no value."""
    one, other = side(environment={"A": "1", "B": "1"}), side(environment={"A": "2", "B": "1"})

    assert compare(one, other).about == (ValueChange(name="image.environment.A", before="1", after="2"),)
    assert compare(side(), other).about == (
        ValueChange(name="image.environment.A", before=None, after="2"),
        ValueChange(name="image.environment.B", before=None, after="1"),
    )


def test_the_base_image():
    """A changed base image has both references, and a rebuild makes everything again."""
    dockerfile = ("FROM python:3.13", *DOCKERFILE[1:])

    found = compare(side(), side(file("Dockerfile", "build", "2"), base="python:3.13", dockerfile=dockerfile))

    assert found.about == (ValueChange(name="image.base", before="python:3.12", after="python:3.13"),)
    assert found.dockerfile == ("-FROM python:3.12", "+FROM python:3.13")
    assert found.rebuilt == LAYERS


@pytest.mark.parametrize(
    ("line", "first"),
    [(1, 0), (3, 0), (5, 1), (6, 1), (7, 2), (9, 4), (11, 5)],
    ids=["packages of the system", "install", "server", "runtime", "model", "source", "label"],
)
def test_an_instruction(line, first):
    """A changed instruction rebuilds its own layer and those above it, but none below."""
    changed = (*DOCKERFILE[:line], f"{DOCKERFILE[line]} changed", *DOCKERFILE[line + 1 :])

    found = compare(side(), side(file("Dockerfile", "build", "2"), dockerfile=changed))

    assert found.dockerfile == (f"-{DOCKERFILE[line]}", f"+{DOCKERFILE[line]} changed")
    assert found.rebuilt == LAYERS[first:]


def test_a_comment():
    """A Dockerfile that differs only in comments rebuilds nothing."""
    found = compare(side(), side(file("Dockerfile", "build", "2")))

    assert (found.dockerfile, found.rebuilt, found.same) == ((), (), False)


def test_layers_that_come_go_and_change_places():
    """A rebuild starts from the first layer that differs."""
    fewer = tuple(layer for layer in LAYERS if layer != "azureml-models/a/1")
    swapped = (*LAYERS[:2], LAYERS[3], LAYERS[2], *LAYERS[4:])

    assert compare(side(), side(layers=fewer)).rebuilt == fewer[2:]
    assert compare(side(layers=fewer), side()).rebuilt == LAYERS[2:]
    assert compare(side(), side(layers=swapped)).rebuilt == swapped[2:]


def test_manifests_alone():
    """Manifests alone show neither instructions nor packages, so that a rebuild may make every layer again."""
    found = compare(side(known=False), side(file("Dockerfile", "build", "2")))

    assert (found.dockerfile, found.rebuilt) == (None, LAYERS)
    assert [layer.packages for layer in found.layers] == [()]


def test_read(tmp_path):
    """A context's Dockerfile is read without comments; files that contradict the manifest are ignored."""
    files = {
        "Dockerfile": "# a comment\nFROM a\n\nUSER 1\n",
        "sbom.cdx.json": json.dumps(
            {
                "components": [
                    {"bom-ref": "environment/numpy@2", "name": "numpy", "version": "2"},
                    {"bom-ref": "conda/mkl@3", "name": "mkl", "version": "3"},
                    {"bom-ref": "server/h11@1", "name": "h11", "version": "1"},
                    {"bom-ref": "base", "name": "python"},
                ]
            }
        ),
    }
    manifest = Manifest(
        about={},
        layers=LAYERS,
        files=tuple(
            ManifestFile(
                path=path,
                layer="build",
                size=len(text),
                mode="0644",
                sha256=hashlib.sha256(text.encode()).hexdigest(),
            )
            for path, text in files.items()
        ),
    )
    for path, text in {**files, "manifest.json": manifest.to_json()}.items():
        (tmp_path / path).write_text(text)
    complete = Side(
        manifest=manifest,
        dockerfile=("FROM a", "USER 1"),
        packages={"environment": {"numpy": "2", "mkl": "3"}, "runtime": {"h11": "1"}},
    )

    assert read_side(tmp_path) == read_side(tmp_path / "manifest.json") == complete

    (tmp_path / "Dockerfile").write_text("FROM b\n")
    (tmp_path / "sbom.cdx.json").unlink()
    assert read_side(tmp_path) == Side(manifest=manifest)


def test_no_context(tmp_path):
    """A folder or a file that is not a context is an error."""
    (tmp_path / "a.json").write_text("[]")

    with pytest.raises(ContextError, match="not a context"):
        read_side(tmp_path)
    with pytest.raises(ContextError, match="not a manifest of schema 1"):
        read_side(tmp_path / "a.json")
