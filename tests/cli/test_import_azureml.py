from __future__ import annotations

import json
import re
import tomllib

import pytest

from hatch_mlpackage.cli.edit_pyproject import edited
from hatch_mlpackage.errors import MLPackageError

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
INFERENCE = {
    "entryScript": "score.py",
    "sourceDirectory": "src",
    "environment": {
        "name": "env",
        "python": {"condaDependencies": {"dependencies": ["python=3.11", {"pip": ["azureml-defaults", "idna"]}]}},
        "docker": {"baseImageRegistry": {"address": "r.example", "password": "hunter2"}, "baseImage": "team/a:1"},
    },
}
WRITTEN = """\
[tool.mlpackage]
source-directory = "src"
entry-script = "src/score.py"
conda-file = "environment.yml"
python-version = "3.11"
base-image = "r.example/team/a:1"

[[tool.mlpackage.models]]
name = "ridge"
path = "models/ridge.pkl"
version = "3"
"""
ENVIRONMENT = "dependencies:\n  - python=3.11\n  - pip:\n      - azureml-defaults\n      - idna\n"
IMPORT = ("import-azureml", "inferenceconfig.json", "--model", "ridge:3=models/ridge.pkl")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a project as Azure ML's tools laid it out."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/score.py").write_text(SCRIPT)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/ridge.pkl").write_bytes(b"ridge")
    (tmp_path / "inferenceconfig.json").write_text(json.dumps(INFERENCE, indent=2))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    """Return every file's text by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }


def test_a_new_project(folder, mlpackage):
    """Without a pyproject.toml, the import writes one that locks and generates, with a report and the next step."""
    outcome = mlpackage(*IMPORT)

    assert (outcome.status, outcome.err) == (0, "")
    assert (folder / "pyproject.toml").read_text() == f'[project]\nname = "ridge"\nversion = "3"\n\n{WRITTEN}'
    assert (folder / "environment.yml").read_text() == ENVIRONMENT
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["where", "key", "became", "what"]
    assert lines[1].split(maxsplit=3) == [
        "inferenceconfig.json:3",
        "sourceDirectory",
        "taken",
        'source-directory = "src"',
    ]
    assert lines[-3:] == ["", "Wrote environment.yml, pyproject.toml.", "Next: mlpackage lock"]
    assert "hunter2" not in outcome.out


def test_a_project_that_is_there(folder, mlpackage):
    """The import keeps a pyproject.toml's comments, order and line ends, and keys that already agree."""
    before = (
        "# ours\r\n[project]  # name\r\nname = 'a'\r\nversion = '1'\r\n\r\n"
        "[tool.mlpackage] # mine\r\nlocker = 'uv'   # keep\r\npython-version = '3.11'\r\n\r\n"
        "[tool.ruff]\r\nline-length = 99\r\n"
    )
    (folder / "pyproject.toml").write_bytes(before.encode())

    assert mlpackage(*IMPORT).status == 0

    after = (folder / "pyproject.toml").read_bytes().decode()
    assert "\n" not in after.replace("\r\n", "")
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert 'conda-file = "environment.yml"\r\n' in after
    again = mlpackage(*IMPORT)
    assert again.out.splitlines()[-2] == "Wrote nothing: it was there already."
    assert (folder / "pyproject.toml").read_bytes().decode() == after


def test_a_conflict(folder, mlpackage):
    """A conflicting key stops the import before it writes; `--force` replaces that key and keeps the others."""
    (folder / "pyproject.toml").write_text('[tool.mlpackage]\nbase-image = "mine"\nexclude = ["a"]\n')
    (folder / "environment.yml").write_text("name: mine\n")
    before = files(folder)

    refused = mlpackage(*IMPORT)
    unchanged = files(folder) == before
    forced = mlpackage(*IMPORT, "--force")

    assert (refused.status, unchanged, forced.status) == (1, True, 0)
    assert refused.err.splitlines()[1:] == [
        (
            "  tool.mlpackage.base-image: is 'mine' here, and 'r.example/team/a:1' in what is imported. "
            "Make them agree, or give --force to take what is imported."
        )
    ]
    assert 'base-image = "r.example/team/a:1"\nexclude = ["a"]\n' in (folder / "pyproject.toml").read_text()
    assert (folder / "environment.yml").read_text() == ENVIRONMENT


def test_a_file_in_the_way(folder, mlpackage):
    """The import does not replace the user's environment.yml without `--force`."""
    (folder / "environment.yml").write_text("name: mine\n")

    outcome = mlpackage(*IMPORT)

    assert (outcome.status, "pyproject.toml" in files(folder)) == (1, False)
    assert outcome.err.splitlines()[1:] == [
        (
            "  environment.yml: exists already and differs from what is imported. "
            "Rename it, or give --force to replace it."
        )
    ]


def test_dry_run(folder, mlpackage):
    """`--dry-run` shows new files whole and changes as a diff, and writes nothing."""
    (folder / "pyproject.toml").write_text('[tool.mlpackage]\nentry-script = "src/score.py"\n')
    before = files(folder)

    outcome = mlpackage(*IMPORT, "--dry-run")

    assert (outcome.status, files(folder)) == (0, before)
    assert outcome.out.startswith(f"# environment.yml\n{ENVIRONMENT}\n--- pyproject.toml\n+++ pyproject.toml\n@@")
    assert '\n+conda-file = "environment.yml"\n' in outcome.out
    assert "\nWould write environment.yml, pyproject.toml.\n" in outcome.out


def test_as_json(folder, mlpackage):
    """`--json` gives the table, the names of the files and every row of the report."""
    outcome = json.loads(mlpackage(*IMPORT, "--json", "--dry-run").out)

    assert (outcome["table"]["conda-file"], outcome["files"]) == (
        "environment.yml",
        ["environment.yml", "pyproject.toml"],
    )
    assert outcome["rows"][0] == {
        "key": "sourceDirectory",
        "where": "inferenceconfig.json:3",
        "outcome": "taken",
        "said": 'source-directory = "src"',
        "settled_by": [],
    }


def test_what_must_be_decided(folder, mlpackage):
    """The report ends with the open decisions and their number."""
    (folder / "ic.yml").write_text("entryScript: src/score.py\nruntime: python\nenableGpu: true\n")

    outcome = mlpackage("import-azureml", "ic.yml")

    assert outcome.out.splitlines()[-6:] == [
        ('ic.yml:3  enableGpu    by hand     choose a CUDA version: cuda = "12.4", or name a base image'),
        "",
        "Wrote pyproject.toml.",
        "1 key must be decided by hand: see `by hand` above.",
        "No model is declared: give --model NAME=PATH if there is one.",
        "Next: mlpackage lock",
    ]


def test_an_old_python(folder, mlpackage):
    """A pinned Python 3.6 stays; `check` warns of it once, and with --strict that is an error."""
    (folder / "conda.yml").write_text("dependencies:\n- python=3.6.2\n- pip: [azureml-defaults]\n")
    (folder / "ic.json").write_text('{"entryScript": "src/score.py", "condaFile": "conda.yml"}')

    imported = mlpackage("import-azureml", "ic.json")
    locked, checked, strict = mlpackage("lock"), mlpackage("check"), mlpackage("check", "--strict")

    table = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["mlpackage"]
    means = "had its last updates on 2021-12-23: only the model runs on it, and the server on a newer one"
    row = re.search(r"condaFile \(python\) +taken +(.*)", imported.out)[1]
    assert "by hand" not in imported.out
    assert row == f'python-version = "3.6": as python=3.6.2 asks, which {means}'
    assert table == {"entry-script": "src/score.py", "conda-file": "conda.yml", "python-version": "3.6"}
    assert (locked.status, (folder / "locks/requirements.txt").read_text().splitlines()[0]) == (
        0,
        "# Locked for CPython 3.6 on linux/amd64 by hatch-mlpackage; renew with: mlpackage lock",
    )
    said = f"pyproject.toml:8: tool.mlpackage.python-version: Python 3.6 {means}. "
    said += "Save the model anew for a newer Python when you can."
    assert [line for line in checked.err.splitlines() if "last updates" in line] == [f"Warning[old-python]: {said}"]
    assert [line for line in strict.err.splitlines() if "last updates" in line] == [f"  {said} [old-python]"]
    assert strict.status == 1


def test_a_python_that_is_not_served(folder, mlpackage):
    """A Python that is not served is replaced as the report says, and stays so when the import is repeated."""
    (folder / "conda.yml").write_text("dependencies:\n- python=3.5.2\n- pip: [azureml-defaults]\n")
    (folder / "ic.json").write_text('{"entryScript": "src/score.py", "condaFile": "conda.yml"}')

    undecided = mlpackage("import-azureml", "ic.json")
    refused = mlpackage("lock")
    flag = re.search(r"--python-version 3\.\d+", undecided.out)[0]
    decided = mlpackage("import-azureml", "ic.json", *flag.split())
    again = mlpackage("import-azureml", "ic.json")

    assert "1 key must be decided by hand: see `by hand` above.\n" in undecided.out
    assert refused.err.splitlines()[1:] == [
        (
            "  conda.yml:2: `python 3.5.2.*` excludes the image's Python 3.12. Entry scripts are run on Python 3.6 to "
            '3.14: choose one with python-version = "3.6" in [tool.mlpackage], which replaces this line.'
        )
    ]
    assert "by hand" not in decided.out
    assert again.out.splitlines()[-3] == "Wrote nothing: it was there already."
    assert mlpackage("lock").status == 0
    assert mlpackage("lock", "--check").status == 0


def test_an_environment_of_its_own(folder, mlpackage):
    """`--environment` completes a reference to an environment, and is refused beside a full definition."""
    reference = {"entryScript": "src/score.py", "environment": {"name": "env", "version": "1"}}
    (folder / "ic.json").write_text(json.dumps(reference))
    (folder / "azureml_environment.json").write_text(json.dumps(INFERENCE["environment"]))

    outcome = mlpackage("import-azureml", "ic.json", "--environment", "azureml_environment.json")
    refused = mlpackage(*IMPORT, "--environment", "azureml_environment.json")

    assert (outcome.status, (folder / "environment.yml").read_text()) == (0, ENVIRONMENT)
    assert refused.status == 1
    assert refused.err.splitlines()[1:] == [
        (
            "  inferenceconfig.json:4: defines an environment, and --environment gives another one. "
            "Leave one of them out."
        )
    ]


def test_an_environment_as_it_was_saved(folder, mlpackage):
    """`--environment` takes a saved folder, and uses its conda file and its Dockerfile in place."""
    (folder / "ic.json").write_text('{"entryScript": "src/score.py", "environment": {"name": "env"}}')
    (folder / "env").mkdir()
    (folder / "env/azureml_environment.json").write_text('{"name": "env", "python": {"condaDependencies": null}}')
    (folder / "env/conda_dependencies.yml").write_text(ENVIRONMENT)
    (folder / "env/BaseDockerfile").write_text("FROM debian:12\n")

    assert mlpackage("import-azureml", "ic.json", "--environment", "env").status == 0
    assert tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["mlpackage"] == {
        "entry-script": "src/score.py",
        "conda-file": "env/conda_dependencies.yml",
        "python-version": "3.11",
        "base-dockerfile": "env/BaseDockerfile",
    }
    refused = mlpackage("import-azureml", "ic.json", "--environment", "src")
    assert refused.err.splitlines()[1:] == [
        "  src: the folder has no azureml_environment.json. Name the file that holds the JSON."
    ]


def test_an_environment_beside_flat_keys(folder, mlpackage):
    """`--environment` is refused beside flat keys that say the same."""
    (folder / "ic.json").write_text('{"entryScript": "src/score.py",\n "runtime": "python"}')
    (folder / "e.json").write_text(json.dumps(INFERENCE["environment"]))

    refused = mlpackage("import-azureml", "ic.json", "--environment", "e.json")

    assert (refused.status, [line.strip() for line in refused.err.splitlines()[1:]]) == (
        1,
        ["ic.json:2: runtime cannot be given together with an environment. Leave one of them out."],
    )


def test_a_pyproject_that_is_no_text(folder, mlpackage):
    """The import reports a pyproject.toml in another encoding, and leaves it unchanged."""
    (folder / "pyproject.toml").write_bytes(b"# \xff\n")

    outcome = mlpackage(*IMPORT)

    assert (outcome.status, (folder / "pyproject.toml").read_bytes()) == (1, b"# \xff\n")
    assert "Save it as UTF-8." in outcome.err


def test_from_elsewhere(folder, mlpackage, tmp_path_factory, monkeypatch):
    """Paths on the command line are relative to the current folder, and written relative to the project."""
    monkeypatch.chdir(folder / "src")
    (folder / "inferenceconfig.json").write_text('{"entryScript": "score.py"}')

    outcome = mlpackage(
        "import-azureml", "../inferenceconfig.json", "--project", "..", "--model", "ridge=../models/ridge.pkl"
    )

    assert outcome.status == 0
    text = (folder / "pyproject.toml").read_text()
    assert 'entry-script = "src/score.py"' in text
    assert 'path = "models/ridge.pkl"' in text
    assert outcome.out.splitlines()[-1] == "Next: mlpackage lock --project .."


@pytest.mark.parametrize(
    ("inference", "deployment", "model", "expected"),
    [
        (
            '{"entryScript": "src/scor.py"}',
            '{"computeType": "acl", "port": 0}',
            "ridge=models/ridge.pkl",
            [
                "dc.json:1: computeType 'acl' is not one of local, aci, aks, aksendpoint. Did you mean 'aci'?",
                "dc.json:1: port must be between 1 and 65535, not 0. Write such a port, or remove it.",
            ],
        ),
        (
            '{"entryScript": "src/scor.py"}',
            '{"computeType": "local"}',
            "ridge=model.pkl",
            [
                "ic.json:1: entryScript names 'src/scor.py', and there is no such file. Did you mean 'src/score.py'?",
                "--model ridge=model.pkl: there is no such file or folder. Paths are relative to the current folder.",
            ],
        ),
        (
            '{"entryScript": "broken.py"}',
            '{"computeType": "local"}',
            "ridge=models/ridge.pkl",
            ["broken.py:1: no run() is defined. Define run(data), which is called for each request."],
        ),
        (
            '{"entryScript": "src/score.py"',
            "[",
            "ridge=models/ridge.pkl",
            [
                "ic.json:1: this is not YAML: expected ',' or '}', but got '<stream end>'. Correct the line.",
                "dc.json:1: this is not YAML: expected the node content, but found '<stream end>'. Correct the line.",
            ],
        ),
    ],
    ids=["deployment", "missing files", "script without run()", "no configuration at all"],
)
def test_refused(folder, mlpackage, inference, deployment, model, expected):
    """The import reports every mistake with its file and line, and writes nothing."""
    (folder / "ic.json").write_text(inference)
    (folder / "dc.json").write_text(deployment)
    (folder / "broken.py").write_text("def init():\n    pass\n")
    before = files(folder)

    outcome = mlpackage("import-azureml", "ic.json", "--deployment", "dc.json", "--model", model)

    assert (outcome.status, outcome.out, files(folder)) == (1, "", before)
    assert [line.strip() for line in outcome.err.splitlines()[1:]] == expected


def test_a_broken_pyproject(folder, mlpackage):
    """The import reports the line where a pyproject.toml is not TOML, and leaves the file unchanged."""
    (folder / "pyproject.toml").write_text("[tool\n")

    outcome = mlpackage(*IMPORT)

    assert (outcome.status, (folder / "pyproject.toml").read_text()) == (1, "[tool\n")
    assert "pyproject.toml: " in outcome.err
    assert "line 1" in outcome.err


TABLE = {
    "entry-script": "a.py",
    "server": {"workers": 2},
    "image": {"healthcheck": {"retries": 3}},
    "environment-variables": {"A": 'x"y\\'},
    "models": [{"name": "r", "path": "m"}],
}


def contains(whole, part):
    return all(
        key in whole and (contains(whole[key], value) if isinstance(value, dict) else whole[key] == value)
        for key, value in part.items()
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[tool]\n",
        'tool.mlpackage.locker = "uv"\n',
        'tool = { mlpackage = { locker = "uv" } }\n',
        "[tool.mlpackage]\nserver = { scoring-timeout-ms = 5 }\n",
        '[tool.mlpackage.server]\nscoring-timeout-ms = 5\n\n[project]\nname = "a"\n',
        '[tool.ruff]\nx = 1\n[project]\nname = "a"',
        '[tool.mlpackage]\nserver.scoring-timeout-ms = 5\n[[tool.mlpackage.image.secrets]]\nid = "a"\n',
        '[project]\nname = "a"\n[tool.mlpackage]\n[tool.mlpackage.image]\nname = "x" # c\n[tool.other]\ny = 1\n',
        '[tool.mlpackage]\nlocker = "uv" # last',
        '[[tool.mlpackage.models]]\nname = "r"\npath = "m"\n',
    ],
)
def test_any_way_to_write_a_table(text, tmp_path):
    """However the existing tables are written, the result holds their values and the imported ones."""
    written = tomllib.loads(edited(text, TABLE, path=tmp_path, force=False))

    assert contains(written["tool"]["mlpackage"], TABLE)
    assert contains(written, tomllib.loads(text))


@pytest.mark.parametrize("text", ["tool.mlpackage = 3\n", "tool = 3\n"])
def test_a_value_in_place_of_the_table(tmp_path, text):
    """A value in place of the table is reported, and not replaced even by force."""
    with pytest.raises(MLPackageError) as raised:
        edited(text, TABLE, path=tmp_path / "pyproject.toml", force=True)

    assert str(raised.value) == f"{tmp_path / 'pyproject.toml'}: tool.mlpackage must be a table, not 3. Remove it."


def test_check_in_place(folder, mlpackage):
    """`check` names the line of a key without effect in an Azure ML file that the project uses in place."""
    (folder / "ic.json").write_text('{"entryScript": "src/score.py",\n "condafile": "conda.yml"}')
    (folder / "pyproject.toml").write_text('[tool.mlpackage]\ninference-config = "ic.json"\n')

    outcome = mlpackage("check")

    assert outcome.err.splitlines()[0] == (
        "Warning[configuration]: ic.json:2: condafile: this file has no such key; the original ignored it silently. "
        "Did you mean 'condaFile'?"
    )
