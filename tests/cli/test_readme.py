from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import Ridge

from hatch_mlpackage.serve.health import free_port

README = Path(__file__).parents[2] / "README.md"

FLAGS = "--entry-script score.py --model ridge=model.pkl --requirement requirements.txt"
# Maps every command of the README to the test that runs it.
RUN_ELSEWHERE = {
    'python -m pip install ".[cli]" && mlpackage demo': "test_demo.py, with the package installed by tox",
    "python -m pip install tox && tox": "CI",
    "mlpackage serve": "test_serve.py",
    "mlpackage image build": "test_image.py",
    "mlpackage image run": "test_image.py",
    f"mlpackage serve {FLAGS} --locked": "test_serve.py",
}
RUN_WITH_A_NETWORK = ["mlpackage lock", "mlpackage check", "mlpackage generate"]
RUN_HERE = [f"mlpackage lock {FLAGS}", f"mlpackage generate {FLAGS} --output context"]
RUN_LAST = ["mlpackage verify dist/diabetes-0.1.0-context"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [re.sub(r"\s+#.*", "", line) for line in lines]


def run(command: str, folder: Path) -> None:
    words = shlex.split(command)
    assert words[0] == "mlpackage"
    program = [sys.executable, "-P", "-m", "hatch_mlpackage", *words[1:]]
    outcome = subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_length():
    """The README is short enough to read."""
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


def test_every_command_is_run_by_a_test():
    """A test runs every command of the README."""
    assert sorted(commands()) == sorted([*RUN_ELSEWHERE, *RUN_WITH_A_NETWORK, *RUN_HERE, *RUN_LAST])


def test_without_a_pyproject(tmp_path, index):
    """The commands for a bare script work as written."""
    (tmp_path / "score.py").write_text(blocks("python")[0])
    (tmp_path / "model.pkl").write_bytes(b"weights")
    (tmp_path / "requirements.txt").write_text("joblib\n")
    index.add("joblib", "1.4.2")

    for command in RUN_HERE:
        run(command, tmp_path)

    assert (tmp_path / "context/azureml-models/ridge/1/model.pkl").is_file()


@pytest.fixture
def project(tmp_path):
    """Give the folder of the README's own project, with the model that the README makes."""
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[0])
    for folder in ("src", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src/score.py").write_text(blocks("python")[0])
    (made,) = re.findall(r"`joblib\.dump\((.*), \"(.*)\"\)`", README.read_text(encoding="utf-8"))
    assert made[0] == "Ridge().fit([[0], [1]], [0, 1])"
    joblib.dump(Ridge().fit([[0], [1]], [0, 1]), tmp_path / made[1])
    return tmp_path


@pytest.mark.network
@pytest.mark.slow
def test_with_a_pyproject(project):
    """The README's own project works as written, from its lock to its context."""
    for command in [*RUN_WITH_A_NETWORK, *RUN_LAST]:
        run(command, project)


def test_what_you_get(project, index):
    """The context of the README's project is the one that the README lists, under the name in `[project]`."""
    index.add("joblib", "1.4.2")
    index.add("scikit_learn", "1.5.2")
    listed = README.read_text(encoding="utf-8").partition("\n## What you get\n")[2].split("```")[1].split("\n")
    top, *entries = [line.split("   ")[0].strip() for line in listed if line.strip()]

    run("mlpackage lock", project)
    run("mlpackage generate", project)

    names = {name.rstrip("/") for entry in entries for name in entry.split()}
    there = {str(path.relative_to(project / top)) for path in (project / top).rglob("*")}
    assert names - there == set()
    shown = {name for name in there if any(name == it or name.startswith(f"{it}/") for it in names)}
    assert sorted(name for name in there - shown if (project / top / name).is_file()) == []


def test_the_script_answers(project, start, close_to):
    """The README's project answers the README's request as its model does."""
    (asked,) = re.findall(r"in another terminal: (mlpackage score .*)", README.read_text(encoding="utf-8"))
    port = free_port()
    process = start("serve", "--port", port, cwd=project)
    while "Ready: " not in (line := process.stderr.readline()):
        assert line

    answered = start(*shlex.split(asked)[1:], "--url", f"http://127.0.0.1:{port}").communicate(timeout=60)[0]

    (row,) = json.loads(shlex.split(asked)[-1])
    assert json.loads(answered) == close_to(joblib.load(project / "models/ridge.joblib").predict([row]).tolist())


def test_the_hooks_table():
    """The README's table is the one that enables the hook."""
    assert tomllib.loads(blocks("toml")[1]) == {
        "tool": {"hatch": {"build": {"targets": {"wheel": {"only-include": ["src"], "hooks": {"mlpackage": {}}}}}}}
    }
