"""Run the command line in unusual surroundings: they do not matter, or an error names them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-P", "-m", "hatch_mlpackage"]
EVERY_ANSWER = [["check"], ["plan"], ["plan", "--json"], ["completion", "fish"], ["--help"], ["image", "--help"]]


def run(arguments, **settings):
    return subprocess.run([*PROGRAM, *arguments], stderr=subprocess.PIPE, text=True, check=False, **settings)


@pytest.mark.parametrize("arguments", EVERY_ANSWER, ids=" ".join)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk(project, arguments):
    """An answer that cannot be written is an error of one line."""
    with Path("/dev/full").open("w") as full:
        outcome = run(arguments, stdout=full)

    ran = "mlpackage" if "--help" in arguments else f"mlpackage {arguments[0]}"
    assert (outcome.returncode, outcome.stderr) == (
        1,
        f"Error[failed]: {ran} failed:\n  [Errno 28] No space left on device.\n",
    )


@pytest.mark.parametrize("arguments", EVERY_ANSWER, ids=" ".join)
def test_nobody_reads(project, arguments):
    """With stdout closed from the start, the program works and prints nothing."""
    command = " ".join(["exec", f'"{sys.executable}"', "-P", "-m", "hatch_mlpackage", *arguments, ">&-"])

    outcome = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)

    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_without_a_home(project):
    """`generate` works for a user without a home, as in containers and CI."""
    outcome = run(["generate", "--quiet"], env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE)

    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    assert run(["verify", "--quiet", "dist/minimal-model-1.0-context"]).returncode == 0


def test_a_folder_of_any_name(project, mlpackage, tmp_path):
    """Spaces, quotes and letters of any script in the project's path do not change the context."""
    odd = tmp_path / "dém o's [модель] $x"
    shutil.copytree(project, odd)
    outcomes = [mlpackage("generate", "--project", odd), mlpackage("generate")]

    context = "dist/minimal-model-1.0-context"
    assert [outcome.status for outcome in outcomes] == [0, 0]
    assert mlpackage("diff", odd / context, context).status == 0
    assert mlpackage("verify", odd / context).status == 0
    assert mlpackage("check", "--project", odd).err == ""


@pytest.mark.parametrize(
    ("verb", "place"), [(["generate"], "dist: "), (["generate", "--tar", "context.tar"], "context.tar")]
)
def test_a_project_that_cannot_be_written(project, verb, place):
    """For a read-only folder the error names the place, and nothing is left behind."""
    before = sorted(project.rglob("*"))
    project.chmod(0o555)
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []

    outcome = subprocess.run([*powerless, *PROGRAM, *verb], capture_output=True, text=True, check=False)

    project.chmod(0o755)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("Error[context]: The context cannot be written or read:\n")
    assert place in outcome.stderr
    assert "Permission denied" in outcome.stderr
    assert sorted(project.rglob("*")) == before


def test_interrupted_while_locking(project, start):
    """Ctrl-C during a request to the index stops the resolver too, and leaves the locks unchanged."""
    before = {path: path.read_bytes() for path in project.glob("locks/*")}
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(60)
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        nowhere = {"UV_DEFAULT_INDEX": url, "PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CACHE": "1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
        process = start("lock", "--upgrade", "--base-image", f"python:3.12@sha256:{'5' * 64}", env={**kept, **nowhere})
        with index.accept()[0] as asked:
            process.send_signal(signal.SIGINT)
            printed = process.communicate(timeout=60)

            asked.settimeout(60)
            while asked.recv(65536):  # until the resolver closes the connection
                pass
    assert (process.returncode, printed[0], printed[1].splitlines()[-1]) == (130, "", "Interrupted.")
    assert {path: path.read_bytes() for path in project.glob("locks/*")} == before
