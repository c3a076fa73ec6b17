"""Give the real program bad input: check its exit status, its whole output, and that no file changes.

test_bad_index.py checks the answers of an index, and test_lock.py those of registries.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

SHA = "a" * 64

PACKAGES_JSON = json.dumps({"idna==3.20": {"license": "BSD-3-Clause", "tags": []}}, indent=2) + "\n"
MODELS_TOML = f"""\
[[models]]
name = "remote"
version = "1"
url = "https://store.example/model.onnx"
sha256 = "{SHA}"
size = 3
"""
PYLOCK_TOML = f"""\
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "idna"
version = "3.20"
wheels = [{{ url = "https://files.example/idna-3.20-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]
"""


def cut(text):
    return text[: len(text) * 3 // 4]


def in_conflict(text):
    """Return the text with the markers of an unfinished merge."""
    lines = text.splitlines(keepends=True)
    return "".join((*lines[:3], "<<<<<<< HEAD\n", *lines[3:], "=======\n", ">>>>>>> main\n"))


def edited(before, after):
    def edit(text):
        assert before in text
        return text.replace(before, after)

    return edit


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Hold the damage to one file of one project, and the message that the program prints."""

    file: str
    done: object
    said: str
    project: str = "minimal"
    verb: str = "generate"


LOCK_TITLE = "Error[lock]: The lock cannot be used"
ONE_PROBLEM = "Error[configuration]: 1 problem in the configuration or the files it names"
RENEW = "Run `mlpackage lock` and commit the result."
RESTORE = "Restore it from version control, or remove it and run `mlpackage lock`."
ANEW = "Write it anew with the tool that made it."
UNFINISHED = "line 4 is a merge-conflict marker"


def of_a_lock(file, reason):
    return f"{LOCK_TITLE}:\n  {file} is damaged:\n    {reason}\n  {RENEW}"


def of_models(reason):
    return f"{ONE_PROBLEM}:\n  locks/models.toml: models.toml is damaged: {reason}. {RESTORE}"


EDITED = "it was edited by hand, or cut short, after it was written"
PIP, CONDA = "locks/requirements.txt", "locks/conda-linux-64.lock"
BASE, PACKAGES, MODELS = "locks/base-image.toml", "locks/packages.json", "locks/models.toml"
DAMAGES = {
    "lock, cut": Damage(
        file=PIP,
        done=lambda text: text[:-5],
        said=of_a_lock(PIP, "it ends in the middle of an entry: it was cut short"),
    ),
    "lock, merged": Damage(file=PIP, done=in_conflict, said=of_a_lock(PIP, UNFINISHED)),
    "lock, edited": Damage(file=PIP, done=edited("idna==3.20", "idna==3.19"), said=of_a_lock(PIP, EDITED)),
    "lock, another hash": Damage(file=PIP, done=edited("sha256:a7db", "sha256:b7db"), said=of_a_lock(PIP, EDITED)),
    "lock, checked": Damage(
        file=PIP,
        done=in_conflict,
        said=f"{ONE_PROBLEM}:\n  {PIP}: is damaged: {UNFINISHED}. {RENEW} [lock]",
        verb="check",
    ),
    "conda lock, cut": Damage(
        file=CONDA,
        done=lambda text: text[: text.index("/numpy-1.26.4") + 8],
        said=of_a_lock(
            CONDA,
            "line 14 is not a locked conda package: `https://channel.example/conda-forge/linux-64/numpy-1`",
        ),
        project="conda",
    ),
    "conda lock, merged": Damage(file=CONDA, done=in_conflict, said=of_a_lock(CONDA, UNFINISHED), project="conda"),
    "conda lock, edited": Damage(
        file=CONDA, done=edited("python-3.12.4", "python-3.12.5"), said=of_a_lock(CONDA, EDITED), project="conda"
    ),
    "base image, cut": Damage(
        file=BASE,
        done=cut,
        said=f"{LOCK_TITLE}:\n  base-image.toml is damaged: "
        f"Expected '=' after a key in a key/value pair (at end of document).\n  {RESTORE}",
    ),
    "base image, merged": Damage(
        file=BASE, done=in_conflict, said=f"{LOCK_TITLE}:\n  base-image.toml is damaged: {UNFINISHED}.\n  {RESTORE}"
    ),
    "packages, cut": Damage(
        file=PACKAGES,
        done=lambda text: text[:10],
        said=f"{LOCK_TITLE}:\n  packages.json is damaged: "
        f"Unterminated string starting at: line 2 column 3 (char 4).\n  {RENEW}",
    ),
    "packages, merged": Damage(
        file=PACKAGES, done=in_conflict, said=f"{LOCK_TITLE}:\n  packages.json is damaged: {UNFINISHED}.\n  {RENEW}"
    ),
    "packages, empty": Damage(
        file=PACKAGES,
        done=lambda _: "",
        said=f"{LOCK_TITLE}:\n  packages.json is damaged: Expecting value: line 1 column 1 (char 0).\n  {RENEW}",
        verb="check",
    ),
    "models, cut": Damage(
        file=MODELS,
        done=cut,
        said=of_models("Unterminated string (at end of document)"),
        project="remote",
    ),
    "models, merged": Damage(file=MODELS, done=in_conflict, said=of_models(UNFINISHED), project="remote"),
    "models, edited": Damage(
        file=MODELS,
        done=edited(SHA, "../../.ssh"),
        said=of_models("the sha256 of remote is not a hash"),
        project="remote",
    ),
    "models, locked": Damage(
        file=MODELS,
        done=edited("size = 3", 'size = "3"'),
        said=f"{LOCK_TITLE}:\n  models.toml is damaged: the size of remote is no number of bytes. {RESTORE}",
        project="remote",
        verb="lock",
    ),
    "models, negative": Damage(
        file=MODELS,
        done=edited("size = 3", "size = -3"),
        said=of_models("the size of remote is no number of bytes"),
        project="remote",
    ),
    "pylock, cut": Damage(
        file="pylock.toml",
        done=lambda text: text[:-90],
        said=f"{LOCK_TITLE}:\n  pylock.toml is no pylock file: "
        f"Expected '=' after a key in a key/value pair (at end of document). {ANEW}",
        project="pylock",
        verb="lock",
    ),
    "pylock, merged": Damage(
        file="pylock.toml",
        done=in_conflict,
        said=f"{LOCK_TITLE}:\n  pylock.toml is no pylock file: {UNFINISHED}. {ANEW}",
        project="pylock",
        verb="lock",
    ),
}


def lay_out(copy_project, change, kind):
    """Copy the project that `kind` names, or add to the smallest one a model by URL or a pylock.toml."""
    if kind == "conda":
        return copy_project("conda")
    root = copy_project("minimal")
    toml = root / "pyproject.toml"
    (root / PACKAGES).write_text(PACKAGES_JSON)
    if kind == "remote":
        change(toml, 'name = "greeting"\npath = "models/greeting.txt"', 'name = "remote"\npath = "@"')
        change(toml, "@", "https://store.example/model.onnx")
        change(toml, '"idna>=3.7"', "")
        (root / MODELS).write_text(MODELS_TOML)
    if kind in {"pylock", "remote"}:
        change(toml, "[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false")
    if kind == "pylock":
        change(toml, "[tool.mlpackage]", '[tool.mlpackage]\npylock = "pylock.toml"')
        (root / "pylock.toml").write_text(PYLOCK_TOML)
    return root


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file(copy_project, damage, run, everything, change):
    """For each damaged file the error names the damage, its line and the next step, and no file changes."""
    root = lay_out(copy_project, change, damage.project)
    file = root / damage.file
    file.write_text(damage.done(file.read_text()))
    before = everything(root)

    ended = run(damage.verb, cwd=root)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"{damage.said}\n")
    assert everything(root) == before
