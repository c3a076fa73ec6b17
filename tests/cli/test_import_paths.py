"""Import configurations whose paths count from another folder than the one that the user stands in."""

from __future__ import annotations

import re
import tomllib

import pytest

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = "dependencies:\n  - python=3.11\n  - pip:\n      - azureml-defaults\n"

# Each: the project's files, where the user stands, the configuration, and the table that is written in the end.
LAYOUTS = {
    "a conda file above, as in MLOpsPython": (
        {"team/scoring/score.py": SCRIPT, "team/conda_dependencies.yml": CONDA},
        "team/scoring",
        "inference_config.yml",
        "entryScript: score.py\nruntime: python\ncondaFile: ../conda_dependencies.yml\nsourceDirectory:\n",
        {"entry-script": "scoring/score.py", "conda-file": "conda_dependencies.yml", "python-version": "3.11"},
    ),
    "a source directory beside": (
        {"scripts/score.py": SCRIPT, "scripts/conda.yml": CONDA, "deploy/readme.txt": ""},
        "deploy",
        "ic.yml",
        "entryScript: score.py\nsourceDirectory: ../scripts\ncondaFile: conda.yml\n",
        {
            "source-directory": "scripts",
            "entry-script": "scripts/score.py",
            "conda-file": "scripts/conda.yml",
            "python-version": "3.11",
        },
    ),
    "paths from the folder above": (
        {"src/score.py": SCRIPT, "config/c.yml": CONDA},
        "config",
        "ic.yml",
        "entryScript: src/score.py\ncondaFile: config/c.yml\n",
        {"entry-script": "src/score.py", "conda-file": "config/c.yml", "python-version": "3.11"},
    ),
    "an absolute path of another machine": (
        {"scripts/score.py": SCRIPT, "scripts/conda.yml": CONDA},
        "scripts",
        "ic.yml",
        "entryScript: /scripts/score.py\ncondaFile: scripts/conda.yml\n",
        {"entry-script": "scripts/score.py", "conda-file": "scripts/conda.yml", "python-version": "3.11"},
    ),
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(("files", "stands", "name", "config", "table"), LAYOUTS.values(), ids=LAYOUTS)
def test_another_project_folder(tmp_path, monkeypatch, mlpackage, files, stands, name, config, table):
    """The error gives the flag that names the folder of all files; with it the import, the lock and the check work."""
    write(tmp_path, {**files, f"{stands}/{name}": config})
    monkeypatch.chdir(tmp_path / stands)

    refused = mlpackage("import-azureml", name)
    flag = re.search(r"Give (--project \S+): all files of the configuration are there\.", refused.err)[1].split()
    imported = mlpackage("import-azureml", name, *flag)

    assert (refused.status, imported.status, imported.err) == (1, 0, "")
    written = (tmp_path / stands / flag[1] / "pyproject.toml").read_text()
    assert tomllib.loads(written)["tool"]["mlpackage"] == table
    assert imported.out.splitlines()[-1] == "Next: mlpackage lock --project .."
    assert mlpackage("lock", *flag).status == 0
    assert mlpackage("check", *flag).status == 0


def test_a_name_without_its_folder(tmp_path, monkeypatch, mlpackage):
    """A path whose folder is nowhere is corrected as the error says."""
    write(tmp_path, {"score.py": SCRIPT, "ic.yml": "entryScript: /var/app/score.py\n"})
    monkeypatch.chdir(tmp_path)

    refused = mlpackage("import-azureml", "ic.yml")
    corrected = re.search(r"Write '(.+?)'", refused.err)[1]
    write(tmp_path, {"ic.yml": f"entryScript: {corrected}\n"})

    assert refused.err.splitlines()[1:] == [
        (
            "  ic.yml:1: entryScript names '/var/app/score.py', and there is no such file. "
            f"Write 'score.py': there is one in {tmp_path.name}."
        )
    ]
    assert mlpackage("import-azureml", "ic.yml").status == 0


def test_one_folder_for_all_paths(tmp_path, monkeypatch, mlpackage):
    """Where all paths hold beside the configuration, none is taken from the current folder."""
    write(
        tmp_path,
        {
            "conda.yml": "dependencies:\n- python=3.8\n",
            "deploy/score.py": SCRIPT,
            "deploy/conda.yml": CONDA,
            "deploy/ic.yml": "entryScript: score.py\ncondaFile: conda.yml\n",
        },
    )
    monkeypatch.chdir(tmp_path)

    assert mlpackage("import-azureml", "deploy/ic.yml").status == 0
    assert tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["mlpackage"] == {
        "entry-script": "deploy/score.py",
        "conda-file": "deploy/conda.yml",
        "python-version": "3.11",
    }
