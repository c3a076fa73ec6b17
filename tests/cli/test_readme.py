from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

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


@pytest.mark.network
@pytest.mark.slow
def test_with_a_pyproject(tmp_path):
    """The README's own project works as written, from its lock to its context."""
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[0])
    for name, text in {"src/score.py": blocks("python")[0], "models/ridge.joblib": "weights"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)

    for command in [*RUN_WITH_A_NETWORK, *RUN_LAST]:
        run(command, tmp_path)


def test_the_hooks_table():
    """The README's table is the one that enables the hook."""
    assert tomllib.loads(blocks("toml")[1]) == {
        "tool": {"hatch": {"build": {"targets": {"wheel": {"only-include": ["src"], "hooks": {"mlpackage": {}}}}}}}
    }
