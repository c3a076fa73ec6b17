"""Runs the server as it runs in an image: as processes, on loopback, from a folder given by its path.

Only conftest.py imports this module at run time; tests get what is here as fixtures, and import types alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx

RUNTIME = Path(os.environ.get("MLPACKAGE_RUNTIME_DIR") or Path(__file__).parents[2] / "runtime").resolve()
SERVER_PYTHON = os.environ.get("MLPACKAGE_TEST_SERVER_PYTHON", sys.executable)
PATIENCE = 30.0  # seconds, because a loaded machine may take long

T = TypeVar("T")


class Service:
    """A running server: its process, its log and a client for it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self.url = ""
        self.client = httpx.Client(timeout=PATIENCE)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_until_listening(self) -> Service:
        """Wait for the line that says on which port the server listens."""
        self.url = self.wait_for_log(r"Listening on (http://[0-9.:]+)").replace("0.0.0.0", "127.0.0.1")
        return self

    def wait_until_ready(self) -> Service:
        self.wait_until_listening()
        self.wait_for_log("(Ready: .*)")
        return self

    def wait_for_log(self, pattern: str) -> str:
        """Return the first group of a pattern as soon as the log has it."""
        return self.wait_until(lambda: self._in_log(pattern), f"{pattern} in the log")

    def wait_until(self, found: Callable[[], T | None], what: str) -> T:
        """Return what `found` returns as soon as that is true."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            value = found()
            if value:
                return value
            time.sleep(0.01)
        raise AssertionError(f"waited {PATIENCE} s for {what}:\n{self.log}")

    def _in_log(self, pattern: str) -> str | None:
        found = re.search(pattern, self.log)
        if not found and self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log}")
        return found.group(1) if found else None

    def worker_pids(self) -> list[int]:
        return [int(pid) for pid in re.findall(r"Worker with pid (\d+) ready", self.log)]

    def request(self, method: str, path: str = "/score", **options: object) -> httpx.Response:
        return self.client.request(method, self.url + path, **options)  # type: ignore[arg-type]

    def post(self, content: bytes | str = b"", **options: object) -> httpx.Response:
        return self.request("POST", content=content, **options)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Stop the server and return its exit status."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


Start = Callable[..., Service]


def start_service(folder: Path, script: str | None, *flags: str, **environment: str) -> Service:
    """Start a server for a script in a folder of its own; without a script, for what is in the folder."""
    if script is not None:
        (folder / "score.py").write_text(textwrap.dedent(script), encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AZUREML", "AML_", "MLPACKAGE"))}
    given = {"AML_APP_ROOT": str(folder), "AZUREML_ENTRY_SCRIPT": "score.py", "MLPACKAGE_HOST": "127.0.0.1"}
    log = folder / "server.log"
    command = [SERVER_PYTHON, "-I", str(RUNTIME), "serve", f"--worker-python={sys.executable}", "--port=0", *flags]
    with log.open("wb") as stderr, _hangups_heard():
        process = subprocess.Popen(command, cwd=folder, env=clean | given | environment, stdout=stderr, stderr=stderr)
    return Service(process, log)


@contextlib.contextmanager
def _hangups_heard() -> Iterator[None]:
    """Give SIGHUP its meaning: nohup has it ignored, and processes inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
