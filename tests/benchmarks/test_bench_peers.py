"""The program of the benchmark refuses what it cannot do, and saves what it measures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import page
import pytest
from results import read

PROGRAM = Path(__file__).with_name("bench_peers.py")


def bench(*arguments, path=None):
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_without_wrk(tmp_path):
    """Without wrk, the program says what it is for and how to get it."""
    outcome = bench(path=str(tmp_path))

    assert outcome.returncode == 2
    said = "error: wrk loads the servers, and is not on PATH: install it, for example with `apt-get install wrk`\n"
    assert outcome.stderr.endswith(said)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
@pytest.mark.parametrize("other", ["--cases=echo", "--peers=mosec", "--connections=1", "--old=runtime"])
def test_another_page(other):
    """A run that measures something else than the page shows does not write the page."""
    outcome = bench("--record", other)

    assert outcome.returncode == 2
    said = "error: --record writes the page as it is: leave --peers, --cases, --connections and --old out\n"
    assert outcome.stderr.endswith(said)


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
def test_a_short_run(tmp_path):
    """A run installs, serves, loads and stops servers, and saves figures, tables and plots."""
    few = ("--peers", "uvicorn alone", "--cases", "echo", "--connections", "8", "--rounds", "2")

    outcome = bench(*few, "--output", str(tmp_path))

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["failures"] == []
    (load,) = results["loads"]
    assert (load["server"], load["case"], load["connections"]) == ("uvicorn alone", "echo", 8)
    assert all(rate > 0 for rate in load["rates"])
    assert [len(cost["starts"]) for cost in results["costs"]] == [2]
    tables = page.tables(read(tmp_path / "results.json"))
    assert tables["echo"] in (tmp_path / "tables.md").read_text()
    assert tables["noise"] in (tmp_path / "tables.md").read_text()
