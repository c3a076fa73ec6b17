"""Follow the recipes of docs/old-pythons.md with the Pythons that they name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/old-pythons.md").read_text(encoding="utf-8")
FILES = re.compile(r'^```python title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
TRAIN = """\
import numpy as np
from sklearn.externals import joblib
from sklearn.linear_model import Ridge

rows = np.arange(60.0).reshape(20, 3) % 7
joblib.dump(Ridge().fit(rows, rows @ [1.0, 2.0, 3.0] + 5), "ridge.pkl")
np.save("rows.npy", rows)
"""

pytestmark = [pytest.mark.environments, pytest.mark.network, pytest.mark.slow]


def commands(heading: str) -> list[list[str]]:
    """Return the commands below a heading, as words."""
    section = re.search(rf"(?ms)^### {heading}$(.*?)(?=^### |\Z)", PAGE)[1]
    (block,) = re.findall(r"(?ms)^```sh\n(.*?)^```$", section)
    return [shlex.split(line) for line in block.splitlines()]


@pytest.mark.parametrize(
    ("heading", "made"),
    [("ONNX", "ridge.onnx"), ("A newer scikit-learn, and skops", "ridge.skops")],
    ids=["ONNX", "skops"],
)
def test_a_recipe(heading, made, interpreter, tmp_path):
    """Each recipe saves a model of scikit-learn 0.20 in a form that current packages load, with the same answers."""
    for name, text in [*FILES.findall(PAGE), ("train.py", TRAIN)]:
        (tmp_path / name).write_text(text)
    train = shlex.split("uv run --no-project --python 3.6 --with scikit-learn==0.20.0 train.py")

    for _, *words in [train, *commands(heading)]:
        at = words.index("--python") + 1
        words[at] = interpreter(words[at])
        command = [sys.executable, "-m", "uv", *words[:1], "--quiet", "--no-build", *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    assert (tmp_path / made).is_file()
