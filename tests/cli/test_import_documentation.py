"""The files of the original's documentation become a context as they are: `python=3.6.2`, with packages of its time."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from hatch_mlpackage.context.verify import verify_context

BLOCKS = (Path(__file__).parents[1] / "azureml/documentation_blocks.txt").read_text(encoding="utf-8")
INFERENCE = '{"entryScript": "score.py", "runtime": "python", "condaFile": "myenv.yml"}\n'
CP36 = "cp36-cp36m-manylinux1_x86_64"
ENDED = "Python 3.6 had its last updates on 2021-12-23: only the model runs on it, and the server on a newer one."


def block(name: str) -> str:
    return re.search(rf"(?ms)^## {name}\n\n```\w+\n(.*?)^```$", BLOCKS)[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder with the documentation's files, and a model that a pickle of Python 3.6 stands for."""
    written = {"myenv.yml": block("conda-file"), "score.py": block("score-arrays"), "inferenceconfig.json": INFERENCE}
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "sklearn_mnist_model.pkl").write_bytes(b"\x80\x03N.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def packages(index):
    """Serve the packages of the example's time, for Python 3.6 and for others."""
    for tag in (CP36, "cp37-cp37m-manylinux1_x86_64"):
        index.add("numpy", "1.15.4", tag=tag)
        index.add("scikit_learn", "0.20.0", "numpy>=1.8.2", tag=tag, module="sklearn")
        index.add("wrapt", "1.11.1", tag=tag)
    index.add("numpy", "1.21.6", tag="cp37-cp37m-manylinux1_x86_64", python=">=3.7")
    index.add("inference_schema", "1.0.2", "wrapt==1.11.1", "numpy>=1.13.0; extra == 'numpy-support'")
    index.add("inference_schema", "1.8.0", "wrapt>=1.14", python=">=3.8")
    return index


@pytest.fixture
def conda_forge(conda, tmp_path_factory, monkeypatch):
    """Let a channel in a folder answer for conda-forge, which a conda file without channels means."""
    channel = conda.channel(tmp_path_factory.mktemp("conda-forge"))
    for version in ("3.6.2", "3.6.15", "3.7.16"):
        channel.add("python", version, build="h_cpython", depends=("__glibc >=2.17",))
    for abi, python in (("py36", "python >=3.6,<3.7.0a0"), ("py37", "python >=3.7,<3.8.0a0")):
        channel.add("numpy", "1.15.4", build=f"{abi}h1", depends=(python,))
        channel.add("scikit-learn", "0.20.0", build=f"{abi}h2", depends=(python, "numpy >=1.9.3,<2.0a0"))
    monkeypatch.setattr("hatch_mlpackage.lock.conda.conda_file.DEFAULT_CHANNEL", channel.folder.as_uri())
    return channel.folder


def imported(mlpackage):
    """Import the documentation's files, check what was written, and lock."""
    outcome = mlpackage("import-azureml", "inferenceconfig.json", "--model", "sklearn_mnist:1=sklearn_mnist_model.pkl")
    table = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mlpackage"]
    locked = mlpackage("lock")

    assert (outcome.status, outcome.err, "by hand" in outcome.out) == (0, "", False)
    assert table == {
        "entry-script": "score.py",
        "conda-file": "myenv.yml",
        "python-version": "3.6",
        "models": [{"name": "sklearn_mnist", "path": "sklearn_mnist_model.pkl", "version": "1"}],
    }
    assert (locked.status, mlpackage("lock", "--check").status) == (0, 0)
    return locked


def pins():
    return re.findall(r"(?m)^[a-z][\w.-]*==\S+", Path("locks/requirements.txt").read_text())


def test_with_conda(folder, packages, conda_forge, mlpackage):
    """Conda's packages are those for Python 3.6.2, and pip adds the decorators, with the versions that conda has."""
    locked = imported(mlpackage)

    files = re.findall(r"/([^/]+)\.conda#", Path("locks/conda-linux-64.lock").read_text())
    assert files == ["python-3.6.2-h_cpython", "numpy-1.15.4-py36h1", "scikit-learn-0.20.0-py36h2"]
    assert pins() == ["inference-schema==1.0.2", "numpy==1.15.4", "wrapt==1.11.1"]
    assert "azureml-defaults>=1.0.45 is left out" in locked.err


def test_with_pip(folder, packages, change, mlpackage):
    """The same packages as a list for pip need no conda: they are locked for Python 3.6."""
    change(Path("myenv.yml"), "  - scikit-learn=0.20.0\n", "")
    change(Path("myenv.yml"), "  - pip:\n", "  - pip:\n    - scikit-learn==0.20.0\n")

    imported(mlpackage)

    assert pins() == ["inference-schema==1.0.2", "numpy==1.15.4", "scikit-learn==0.20.0", "wrapt==1.11.1"]
    assert [path.name for path in Path("locks").glob("conda*")] == ["conda-file.json"]


@pytest.mark.parametrize("by", ["conda", "pip"])
def test_a_context(folder, packages, conda_forge, change, mlpackage, by):
    """`check` finds every import in what is locked and warns once of the Python, and a context is written."""
    if by == "pip":
        change(Path("myenv.yml"), "  - scikit-learn=0.20.0\n  - pip:\n", "  - pip:\n    - scikit-learn==0.20.0\n")
    imported(mlpackage)

    checked, strict = mlpackage("check", "--json"), mlpackage("check", "--strict")
    generated = mlpackage("generate", "--output", "context")

    problems = json.loads(checked.out)["problems"]
    # Whether the base image is pinned depends on whether its registry could be asked.
    codes = sorted((it["code"], it["level"]) for it in problems if "digest" not in it["what"])
    assert codes == [("old-python", "warning"), ("unpickling", "hint")]
    assert [it["what"] for it in problems if "last updates" in it["what"]] == [ENDED]
    assert (checked.status, strict.status, generated.status) == (0, 1, 0)
    assert verify_context(Path("context")) == ()
    manifest = json.loads(Path("context/manifest.json").read_text())
    assert manifest["image"]["python"] == "3.6"
    assert manifest["image"]["environment"]["AZUREML_ENTRY_SCRIPT"] == "score.py"
