"""The worker on every CPython from 3.6 on that this machine has, and the server on every one from 3.8 on."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pythons import interpreter

if TYPE_CHECKING:
    from runtime_service import Start

VERSIONS = [f"3.{minor}" for minor in range(6, 15)]
SERVER_VERSIONS = VERSIONS[2:]

SCRIPT = """
    import platform
    import sys

    def init():
        print("init")

    async def run(raw_data, request_headers):
        if raw_data == "modules":
            files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
            return sorted(name for name, file in files.items() if "site-packages" in file)
        return [platform.python_implementation(), sys.version_info[:2], raw_data, request_headers["X-Own"]]
"""
SHOW = """
import json, sys
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(json.dumps([name for name, file in files.items() if "site-packages" in file]))
"""
COMPILE = """
import sys
from pathlib import Path
for name in sys.argv[1:]:
    compile(Path(name).read_text(encoding="utf-8"), name, "exec")
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_worker_runs_without_any_third_party_package(serve: Start, version: str) -> None:
    """Each Python serves a script, and its worker imports the standard library alone."""
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    service = serve(SCRIPT, f"--worker-python={python}")
    answer = service.post("text", headers={"x-own": "own"})
    assert answer.json() == ["CPython", [3, int(version[2:])], "text", "own"]
    # What an interpreter imports by itself, from its .pth files, does not count.
    by_itself = subprocess.run([python, "-c", SHOW], capture_output=True, text=True, check=True).stdout
    assert set(service.post("modules").json()) <= set(json.loads(by_itself))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_start_is_measured(version: str, runtime: Path, tmp_path: Path) -> None:
    """Each Python ranks the imports of a script, and writes them to a file."""
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "slow.py").write_text("import time\ntime.sleep(0.2)\n", encoding="utf-8")
    (tmp_path / "score.py").write_text("import slow\ndef init(): pass\ndef run(x): return x\n", encoding="utf-8")
    variables = {"AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py", "PYTHONPATH": str(site)}
    command = [python, str(runtime), "profile", str(tmp_path / "times.json")]
    subprocess.run(command, env={**os.environ, **variables}, check=True)
    times = json.loads((tmp_path / "times.json").read_text(encoding="utf-8"))
    assert (times["imports"][0][0], times["total"] >= times["imports"][0][1] >= 0.2) == ("slow", True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_module_compiles(version: str, runtime: Path) -> None:
    """Each Python compiles every module that a worker may import, and from 3.8 on those of the server, too."""
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    modules = [runtime / "__main__.py", *runtime.glob("mlpackage_runtime/**/*.py")]
    files = [str(path) for path in modules if version in SERVER_VERSIONS or "server" not in path.parts]
    ran = subprocess.run([python, "-W", "error", "-c", COMPILE, *files], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
