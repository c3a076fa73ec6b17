"""Find the original server, and skip these tests without it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import pythons_for
from pair import ORIGINAL_PYTHON, Pairs
from workers import REQUIREMENTS, environment


@pytest.fixture(scope="session")
def original() -> None:
    """Skip if the original server is not installed."""
    command = [ORIGINAL_PYTHON, "-c", "import azureml_inference_server_http"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"{ORIGINAL_PYTHON} has no azureml-inference-server-http (see AZMLINFSRV_PYTHON)")


@pytest.fixture(scope="session")
def other_pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the interpreters of the environments for other workers, by version, without those that cannot be had."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    found = {version: environment(version, shared) for version in REQUIREMENTS}
    return {version: python for version, python in found.items() if python}


@pytest.fixture(scope="session")
def pairs(original: None, other_pythons: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """Start pairs as the cases ask for them."""
    started = Pairs(tmp_path_factory.mktemp("pair"), other_pythons, pythons_for)
    yield started
    started.stop()
