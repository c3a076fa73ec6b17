"""From `pip install` to a served, scored model of one's own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

pytestmark = [pytest.mark.environments, pytest.mark.templates, pytest.mark.network, pytest.mark.slow]

PATIENCE = 300
SECONDS = 180  # two busy cores need this long; idle ones need half a minute


@pytest.fixture
def shell(tmp_path, our_wheel):
    """Give a function that starts commands in an empty folder and environment, with our wheel on the index."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=PATIENCE)
    links = " ".join([str(our_wheel.parent), os.environ.get("PIP_FIND_LINKS", "")]).strip()
    variables = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment),
        "PIP_FIND_LINKS": links,
        "PYTHONUNBUFFERED": "1",
    }

    def begin(command: str) -> subprocess.Popen[str]:
        program, *arguments = shlex.split(command, comments=True)
        return subprocess.Popen(
            [environment / "bin" / program, *arguments],
            cwd=tmp_path,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


def finish(process: subprocess.Popen[str]) -> str:
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, printed
    return printed


def url_of(server: subprocess.Popen[str]) -> str:
    said = []
    for line in server.stdout:
        said.append(line)
        ready = re.search(r"Ready: (http://\S+)/score", line)
        if ready:
            return ready[1]
    pytest.fail("".join(said))


def test_five_commands(tmp_path: Path, shell, record_property, close_to):
    """Five commands lead to an answer with nothing to edit, and `mlpackage new` prints the last three of them."""
    rows, progression = load_diabetes(return_X_y=True)
    model = Ridge().fit(rows, progression)
    joblib.dump(model, tmp_path / "ridge.joblib")
    began = time.monotonic()

    finish(shell('python -m pip install "hatch-mlpackage[cli]"'))
    told = finish(shell("mlpackage new ridge --model ridge.joblib"))
    assert "__pycache__" not in told
    install, serve, score = (line.strip() for line in told.partition("Next:\n")[2].splitlines())
    finish(shell(install))
    server = shell(f"{serve} --port 0")
    try:
        url = url_of(server)
        answer = finish(shell(f"{score.partition('#')[0]} --url {url}"))
    finally:
        server.terminate()
        server.communicate(timeout=PATIENCE)

    took = time.monotonic() - began
    record_property("seconds", took)
    print(f"from pip install to the answer: {took:.0f} s")
    assert json.loads(answer) == close_to(model.predict([[0.0] * rows.shape[1]]).tolist())
    assert took < SECONDS
