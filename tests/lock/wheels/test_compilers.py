from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hatch_mlpackage.lock.wheels.compilers import with_compiler, without_compiler


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"$CC" -c x.c', True),
        ("gcc x.c -o x", True),
        ("c++ -shared x.o", True),
        ("cargo --version", True),
        ("gcc --version", False),
        ("cc -dumpmachine", False),
        ("gcc -Wl,-t -o /dev/null -lfuse", False),
        ("true", False),
    ],
)
def test_whether_something_was_compiled(tmp_path: Path, line: str, expected: object) -> None:
    """A program in place of a compiler fails and notes that it was to compile, but not that it was asked something."""
    called = tmp_path / "it's called"

    done = subprocess.run(["/bin/sh", "-c", line], env=without_compiler(tmp_path, called), check=False)

    assert (called.exists(), done.returncode) == (expected, int(line != "true"))


def test_the_compilers_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With compilers, the variables of this machine count, and no debugging information, which holds paths, is made."""
    monkeypatch.setenv("CC", "my-cc")
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("CFLAGS", "-O1")

    found = with_compiler(without_compiler(tmp_path, tmp_path / "called"))

    assert {name: found.get(name) for name in ("CC", "CXX", "PATH", "CFLAGS", "PYTHONHASHSEED")} == {
        "CC": "my-cc",
        "CXX": None,
        "PATH": "/bin",
        "CFLAGS": "-O1 -g0",
        "PYTHONHASHSEED": "0",
    }
