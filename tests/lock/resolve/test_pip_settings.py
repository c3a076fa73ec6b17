from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_mlpackage.lock.resolve import pip_settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the files lie elsewhere on other systems")


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Write a file of the machine, two of the user and one that a variable names."""
    texts = {
        "xdg/pip/pip.conf": "[global]\nindex-url = https://machine\nproxy = http://proxy\ntimeout = 60\n",
        "home/.pip/pip.conf": "[global]\nindex_url = https://old\nindex-url = https://old\n",
        "home/.config/pip/pip.conf": (
            "[global]\nindex-url = https://user:p%40ss@host/simple\nextra-index-url =\n    https://one\n    https://two\n"
            "pre = true\n[install]\ntimeout = 5\nconstraint = c.txt\n[freeze]\ntimeout = 10\n"
        ),
        "named.conf": "[global]\ncert = /ca.pem\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "UNRELATED": "1"}


@pytest.fixture(autouse=True)
def _only_these_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    real = pip_settings.machine_folders
    monkeypatch.setattr(pip_settings, "machine_folders", lambda environ: real(environ)[:-1])


def test_files(machine: dict[str, str]) -> None:
    """Later files and sections win, and only index settings are read."""
    assert pip_settings.read(machine) == {
        "index-url": "https://user:p%40ss@host/simple",
        "extra-index-url": "https://one https://two",
        "proxy": "http://proxy",
        "timeout": "5",
    }


def test_variables_win(machine: dict[str, str]) -> None:
    """A variable replaces the setting of a file, and an empty variable removes it."""
    machine |= {"PIP_EXTRA_INDEX_URL": "https://three", "PIP_INDEX_URL": "", "PIP_PROXY": "", "PIP_PRE": "1"}

    assert pip_settings.read(machine) == {"extra-index-url": "https://three", "timeout": "5"}


def test_a_named_file(machine: dict[str, str], tmp_path: Path) -> None:
    """PIP_CONFIG_FILE replaces the user's files; the null device stands for no file at all."""
    assert pip_settings.read(machine | {"PIP_CONFIG_FILE": str(tmp_path / "named.conf")}) == {
        "index-url": "https://machine",
        "proxy": "http://proxy",
        "timeout": "60",
        "cert": "/ca.pem",
    }
    assert pip_settings.read(machine | {"PIP_CONFIG_FILE": os.devnull}) == {}


def test_a_broken_file_is_passed_over(machine: dict[str, str], tmp_path: Path) -> None:
    """A file that pip itself cannot read is skipped, and the settings of other files stay."""
    (tmp_path / "home/.config/pip/pip.conf").write_text("index-url = https://user\n")

    assert pip_settings.read(machine)["index-url"] == "https://old"


def test_a_setting_that_pip_cannot_use(machine: dict[str, str]) -> None:
    """A variable that would keep pip from starting does not hide the settings of files."""
    assert pip_settings.read(machine | {"PIP_TIMEOUT": "soon", "PIP_PYTHON": "/nowhere", "PIP_ISOLATED": "1"}) == {
        "index-url": "https://user:p%40ss@host/simple",
        "extra-index-url": "https://one https://two",
        "proxy": "http://proxy",
        "timeout": "soon",
    }


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"PIP_EXTRA_INDEX_URL": "https://three", "PIP_INDEX_URL": "", "PIP_PROXY": "", "PIP_PRE": "1"},
        {"PIP_CONFIG_FILE": "named.conf"},
        {"PIP_CONFIG_FILE": "missing.conf"},
        {"PIP_CONFIG_FILE": os.devnull},
    ],
    ids=["files", "variables", "a named file", "a missing file", "no file"],
)
def test_pip_reads_the_same(
    machine: dict[str, str], more: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For sound settings, `pip config list` reports the same values."""
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    # Each name stands in one file: newer releases list what every file says, and not what counts in the end.
    (tmp_path / "xdg/pip/pip.conf").write_text("[global]\nproxy = http://proxy\n")
    (tmp_path / "home/.pip/pip.conf").write_text("[global]\ntrusted_host = old\n")
    (tmp_path / "named.conf").write_text("[install]\nclient-cert = /ca.pem\n")
    command = [sys.executable, "-P", "-m", "pip", "config", "list"]
    said = subprocess.run(command, env=machine | more, capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        lines = [line.removeprefix(f"{section}.") for line in said.splitlines() if line.startswith(f"{section}.")]
        found |= {name: ast.literal_eval(value) for name, _, value in (line.partition("=") for line in lines)}

    assert pip_settings.read(machine | more) == {
        name: " ".join(found[name].split()) for name in pip_settings.NAMES if found.get(name)
    }
