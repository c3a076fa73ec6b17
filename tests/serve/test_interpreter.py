from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from hatch_mlpackage.errors import EntryScriptError, MLPackageError
from hatch_mlpackage.serve.interpreter import installed, require_parsed

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Give a function that writes the script `score.py` into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(source: bytes) -> Path:
        path = Path("score.py")
        path.write_bytes(source)
        return path

    return write


@pytest.mark.parametrize(
    "source", [b"", b"x = '\\d'\n", b"# coding: latin-1\nx = '\xe9'\n", b"raise SystemExit(5)\n", b"open('run', 'w')\n"]
)
def test_a_script_that_can_be_parsed(script, source, capfd):
    """A script is read as the interpreter reads it, in any encoding that it declares, and never run."""
    require_parsed(script(source), sys.executable)

    assert capfd.readouterr() == ("", "")
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        (b"x = 1\nprint 'x'\n", 2, "Missing parentheses in call to 'print'. Did you mean print(...)"),
        (b"x = 1\n\ty = 2\n", 2, "unexpected indent"),
        (b"x = '\xe9'\n", 1, "(unicode error) 'utf-8' codec can't decode byte 0xe9"),
        (b"x = 1\x00\n", 1, "source code string cannot contain null bytes"),
    ],
)
def test_a_script_that_cannot_be_parsed(script, source, line, reason):
    """The error names the line, the reason, and the interpreter that has read the script."""
    with pytest.raises(EntryScriptError) as raised:
        require_parsed(script(source), sys.executable)

    assert str(raised.value).startswith(f"score.py:{line}: syntax error: {reason}")
    assert str(raised.value).endswith(
        f". Correct it. The script was read by Python {HERE}, {sys.executable}; --python names another one."
    )


def test_an_interpreter_with_other_syntax(script, tmp_path):
    """The interpreter that will run the script decides, not the one that runs this program."""
    newer = tmp_path / "newer"
    newer.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            test "$1" = -W && echo '["9.9", null]' && exit
            exec "{sys.executable}" "$@"
            """)
    )
    newer.chmod(0o755)

    require_parsed(script(b"syntax of 9.9\n"), str(newer))


def test_what_an_interpreter_has(tmp_path):
    """An interpreter tells its version and its packages, whatever else it prints before."""
    here = installed(sys.executable)

    assert (here.interpreter, here.python) == (sys.executable, HERE)
    assert "pytest" in here.packages


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/python", "/etc/passwd"])
def test_what_is_no_interpreter(program):
    """A program that is no Python is an error with the option that names another one."""
    with pytest.raises(
        MLPackageError, match=rf"^{program} does not list its packages: .*\. Name another one: --python$"
    ):
        installed(program)
