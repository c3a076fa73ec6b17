"""Find the original server, and skip these tests without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pair import ORIGINAL_PYTHON, Pairs


@pytest.fixture(scope="session")
def original() -> None:
    """Skip if the original server is not installed."""
    command = [ORIGINAL_PYTHON, "-c", "import azureml_inference_server_http"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"{ORIGINAL_PYTHON} has no azureml-inference-server-http (see AZMLINFSRV_PYTHON)")


@pytest.fixture(scope="session")
def pairs(original: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """Start pairs as the cases ask for them."""
    started = Pairs(tmp_path_factory.mktemp("pair"))
    yield started
    started.stop()
