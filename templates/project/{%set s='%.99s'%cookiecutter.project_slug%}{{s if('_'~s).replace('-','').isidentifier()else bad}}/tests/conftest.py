from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def sample() -> dict[str, Any]:
    """Read the sample request, which the schema shows too."""
    request: dict[str, Any] = json.loads((ROOT / "src/sample.json").read_text(encoding="utf-8"))
    return request


@pytest.fixture(scope="session")
def close_to() -> Callable[[Any], Any]:
    """Give a function whose result equals an answer up to the rounding of the numbers in it."""

    def close(answer: Any) -> Any:
        if isinstance(answer, dict):
            return {name: close(part) for name, part in answer.items()}
        if isinstance(answer, list):
            return [close(part) for part in answer]
        # Libraries add up numbers in another order in another process, and in a batch of another size.
        return pytest.approx(answer, rel=1e-4, abs=1e-6) if isinstance(answer, float) else answer

    return close


@pytest.fixture(scope="session")
def score(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Import the entry script and load the model that pyproject.toml names, as a worker does."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mlpackage"]
    model = ROOT / table["models"][0]["path"]
    folder = tmp_path_factory.mktemp("model")
    (folder / model.name).symlink_to(model)
    os.environ["AZUREML_MODEL_DIR"] = str(folder)

    import score as script

    script.init()
    return script


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the project on a free port, with the server of its image."""
    log = tmp_path_factory.mktemp("serve") / "log"
    arguments = ["serve", "--project", str(ROOT), "--port", "0", "--python", sys.executable]
    with (
        log.open("wb") as stderr,
        subprocess.Popen([sys.executable, "-m", "hatch_mlpackage", *arguments], stderr=stderr) as server,
    ):
        try:
            yield wait_until_ready(server, log)
        finally:
            server.terminate()


def wait_until_ready(server: subprocess.Popen[bytes], log: Path) -> str:
    while server.poll() is None:
        _, ready, rest = log.read_text(encoding="utf-8").partition("Ready: ")
        if ready and "\n" in rest:
            return rest.partition("/score")[0]
        time.sleep(0.1)
    pytest.fail(f"The server ended with status {server.returncode}:\n{log.read_text(encoding='utf-8')}")
