from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest


def test_the_scripts(mlpackage):
    """Each shell gets a completion script that asks this program."""
    scripts = {shell: mlpackage("completion", shell) for shell in ("bash", "zsh", "fish")}

    assert {shell: (outcome.status, outcome.err) for shell, outcome in scripts.items()} == {
        "bash": (0, ""),
        "zsh": (0, ""),
        "fish": (0, ""),
    }
    assert all(f"_MLPACKAGE_COMPLETE={shell}_complete" in outcome.out for shell, outcome in scripts.items())


def test_another_shell(mlpackage):
    """An unknown shell is wrong usage."""
    outcome = mlpackage("completion", "tcsh")

    assert (outcome.status, outcome.err.splitlines()[-1]) == (
        2,
        "Error: Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'.".replace(
            "{bash|zsh|fish}", outcome.err.partition("value for '")[2].partition("'")[0]
        ),
    )


def completions(*words):
    """Ask for completions of the last word as bash does."""
    asked = {
        **os.environ,
        "_MLPACKAGE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("mlpackage", *words)),
        "COMP_CWORD": str(len(words)),
    }
    program = [sys.executable, "-P", "-m", "hatch_mlpackage"]
    outcome = subprocess.run(program, env=asked, capture_output=True, text=True, check=True)
    return [line.split(",") for line in outcome.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ch",), [["plain", "check"]]),
        (("image", "pu"), [["plain", "push"], ["plain", "pull"]]),
        (("image", "build", "--eng"), [["plain", "--engine"]]),
        (("image", "build", "--engine", "p"), [["plain", "podman"]]),
        (("generate", "--platform", "linux/a"), [["plain", "linux/amd64"], ["plain", "linux/arm64"]]),
        (("verify", "di"), [["dir", "di"]]),
        (("serve", "--entry-script", "sc"), [["file", "sc"]]),
        (("check", "--entry-script", "sc"), [["file", "sc"]]),
        (("check", "--source-directory", "s"), [["dir", "s"]]),
    ],
)
def test_what_is_completed(words, expected):
    """The program completes verbs, options, choices and paths."""
    assert completions(*words) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_in_bash(mlpackage, tmp_path):
    """bash loads the script and completes with it."""
    program = tmp_path / "mlpackage"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m hatch_mlpackage "$@"\n')
    program.chmod(0o755)
    script = mlpackage("completion", "bash").out
    ask = 'COMP_WORDS=(mlpackage gen); COMP_CWORD=1; _mlpackage_completion mlpackage; echo "${COMPREPLY[@]}"'

    outcome = subprocess.run(
        ["bash", "-c", f"{script}\n{ask}"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert outcome.stdout == "generate\n"
