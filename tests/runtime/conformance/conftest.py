"""Finds the original server; without it these tests are skipped."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from pair import ORIGINAL_PYTHON, Pair, Setup

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def original() -> None:
    """Skip where the original server is not installed."""
    command = [ORIGINAL_PYTHON, "-c", "import azureml_inference_server_http"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"{ORIGINAL_PYTHON} has no azureml-inference-server-http (see AZMLINFSRV_PYTHON)")


class Pairs:
    """One running pair at a time: the cases of a setup follow each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._setup: Setup | None = None
        self._running = contextlib.ExitStack()

    def serving(self, setup: Setup) -> Pair:
        """Return both servers with a setup, the running ones where they have it."""
        if setup is not self._setup:
            self.stop()
            self._pair = self._running.enter_context(Pair(setup, self._folder))
            self._setup = setup
        return self._pair

    def stop(self) -> None:
        self._setup = None
        self._running.close()


@pytest.fixture(scope="session")
def pairs(original: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """Start pairs as the cases ask for them."""
    started = Pairs(tmp_path_factory.mktemp("pair"))
    yield started
    started.stop()
