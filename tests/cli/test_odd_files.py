"""Files that are none, wherever a verb opens one: pipes, links onto themselves, folders and devices.

Each is refused at once, with a known error that names it. Only a process shows that nothing waits for ever.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.slow  # a process for each

PATIENCE = 60  # seconds; a verb ends in one or two


@dataclass(frozen=True, kw_only=True)
class Place:
    """A file of a project, a key that has to name it first, and the verb that reads it."""

    file: str
    project: str = "minimal"
    keys: str = ""
    verb: tuple[str, ...] = ("generate",)


PLACES = {
    "pyproject": Place(file="pyproject.toml"),
    "entry script": Place(file="score.py"),
    "model": Place(file="models/greeting.txt"),
    "file of a model's folder": Place(file="weights/a", keys='[[tool.mlpackage.models]]\nname="b"\npath="weights"\n'),
    "source": Place(file="src/a.txt", keys='[tool.mlpackage]\nsource-directory = "."'),
    "requirements": Place(file="r.in", keys='[tool.mlpackage]\nrequirements = ["r.in"]'),
    "included requirements": Place(file="r.txt", keys='[tool.mlpackage]\nrequirements = ["has.in"]'),
    "lock": Place(file="locks/requirements.txt"),
    "packages": Place(file="locks/packages.json"),
    "base image": Place(file="locks/base-image.toml"),
    "pylock": Place(file="pylock.toml", keys='[tool.mlpackage]\npylock = "pylock.toml"'),
    "conda file": Place(file="environment.yml", project="conda"),
    "conda lock": Place(file="locks/conda-linux-64.lock", project="conda"),
    "conda record": Place(file="locks/conda-file.json", project="conda"),
    "base Dockerfile": Place(file="Dockerfile", keys='[tool.mlpackage]\nbase-dockerfile = "Dockerfile"'),
    "copied by the base Dockerfile": Place(file="tools/enter.sh", project="base-dockerfile"),
    "steps": Place(file="steps.Dockerfile", project="steps"),
    "inference configuration": Place(file="ic.json", keys='[tool.mlpackage]\ninference-config = "ic.json"'),
    "no-code model": Place(
        file="a.onnx",
        keys='[tool.mlpackage]\n#[[tool.mlpackage.models]]\nname = "a"\nframework = "onnx"\npath = "a.onnx"',
    ),
    "pickled model": Place(
        file="a.pkl",
        keys='[tool.mlpackage]\n#[[tool.mlpackage.models]]\nname = "a"\nframework = "pytorch"\npath = "a.pkl"',
    ),
    "verified manifest": Place(file="context/manifest.json", verb=("verify", "context")),
    "verified file": Place(file="context/Dockerfile", verb=("verify", "context")),
    "compared manifest": Place(file="context/manifest.json", verb=("diff", "context", "context")),
    "served manifest": Place(file="context/manifest.json", verb=("serve", "--port", "0", "--context", "context")),
    "replaced manifest": Place(file="context/manifest.json", verb=("generate", "--output", "context")),
    "imported configuration": Place(
        file="ic.json", verb=("import-azureml", "ic.json", "--project", "new", "--dry-run")
    ),
}


def make_odd(path, kind):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()


def declare(root, place):
    """Add the keys to the table of the project; a comment sign before a table replaces the models."""
    toml = root / "pyproject.toml"
    text = toml.read_text()
    head, _, models = place.keys.partition("#")
    if models:
        text = text[: text.index("[[tool.mlpackage.models]]")].replace('entry-script = "score.py"\n', "") + models
    elif head.startswith("[["):
        text += f"\n{head}"
    elif head:
        text = text.replace("[tool.mlpackage]", head)
    toml.write_text(text)


@pytest.mark.parametrize("kind", ["pipe", "loop", "device", "folder"])
@pytest.mark.parametrize("name", PLACES)
def test_no_file(name, kind, copy_project, program, mlpackage):
    """The verb ends at once with 1 and a known error, or with 2 for an argument that is not even there."""
    place = PLACES[name]
    root = copy_project(place.project)
    (root / "has.in").write_text("-r r.txt\n")
    (root / "new").mkdir()
    if place.file.startswith("context/"):
        assert mlpackage("generate", "--project", root, "--output", root / "context").status == 0
    declare(root, place)
    make_odd(root / place.file, kind)
    if (name, kind) == ("source", "folder"):
        shutil.rmtree(root / place.file)
        return  # an empty folder below the sources is nothing

    ended = subprocess.run(
        [*program, *place.verb], cwd=root, capture_output=True, text=True, check=False, timeout=PATIENCE
    )

    assert "Traceback" not in ended.stderr
    assert ended.returncode in {1, 2}, ended.stdout + ended.stderr
    assert "rror" in ended.stderr or ended.stdout
    assert not (root / "dist").exists()
