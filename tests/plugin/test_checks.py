"""What `check` calls an error also ends `generate`, `plan` and both kinds of Hatch build."""

from __future__ import annotations

import json
import sys

import pytest

MLPACKAGE = [sys.executable, "-m", "hatch_mlpackage"]
HATCHLING = [sys.executable, "-m", "hatchling", "build", "-t"]
BUILDS = {
    "generate": [*MLPACKAGE, "generate"],
    "plan": [*MLPACKAGE, "plan"],
    "build target": [*HATCHLING, "mlpackage"],
    "build hook": [*HATCHLING, "wheel"],
}
SCRIPT = "\ndef init(): ...\ndef run(data): ...\n"
ANYWAY = "To write the context anyway: --no-check, or check = false in [tool.mlpackage]."
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
NEWER = f"The script was read as Python {RUNNING}; for newer syntax run this tool with a newer Python."
POLARS = "`import polars`: no locked package has it. Add polars to the requirements and run `mlpackage lock`."
FEATURES = (
    "`import features`: features.py is in the project, but not where the image looks for modules. "
    'Take it along: source-directory = ".", a folder that also holds the entry script.'
)
# What is wrong → the files, a line for the table, and the last line of the error.
DEAD = {
    "no locked package": (
        {"score.py": f"import cv2\nimport polars{SCRIPT}"},
        "",
        f"score.py:2: {POLARS} {ANYWAY} [unlocked-import]",
    ),
    "not packed": (
        {"score.py": f"import features{SCRIPT}", "features.py": ""},
        "",
        f"score.py:1: {FEATURES} {ANYWAY} [unlocked-import]",
    ),
    "not parsed": (
        {"score.py": f"import features{SCRIPT}", "features.py": "\nx = (\n"},
        'source-directory = "."',
        f"features.py:2: syntax error: '(' was never closed. {NEWER} {ANYWAY} [syntax-error]",
    ),
}


@pytest.fixture
def dead(copy_project, change):
    """Give a function that returns a project with some files, whose wheel build writes a context too."""

    def make(files, *lines):
        root = copy_project("minimal")
        change(root / "pyproject.toml", "[tool.mlpackage]", "\n".join(("[tool.mlpackage]", *lines)))
        with (root / "pyproject.toml").open("a") as table:
            table.write("\n[tool.hatch.build.targets.wheel.hooks.mlpackage]\n")
        # Only where the modules of every wheel are known, a module that none has is an error.
        (root / "locks/packages.json").write_text(json.dumps({"idna==3.20": {"modules": ["idna"]}}))
        for name, text in files.items():
            (root / name).write_text(text)
        return root

    return make


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("case", DEAD)
def test_a_script_that_cannot_load(dead, run, build, case):
    """Each way to a context ends with the error of `check`, says how to go on in spite of it, and writes nothing."""
    files, line, said = DEAD[case]
    root = dead(files, line)

    ended = run(BUILDS[build], root)

    assert (ended.returncode, ended.stderr.strip().splitlines()[-1].strip()) == (1, said)
    assert not list(root.glob("dist/*"))


@pytest.mark.parametrize("build", BUILDS)
def test_without_the_check(dead, run, build):
    """`check = false` makes the errors in the sources warnings, also where the project is strict."""
    root = dead({"score.py": f"import polars{SCRIPT}"}, "check = false", "strict = true")

    ended = run(BUILDS[build], root)

    assert ended.returncode == 0, ended.stderr
    assert f"score.py:1: {POLARS}" in ended.stderr + ended.stdout
    assert (root / "dist/minimal-model-1.0-context/manifest.json").is_file() == (build != "plan")


def test_the_option_without_the_check(dead, run):
    """`--no-check` does for one run what `check = false` does for all; `check` itself goes on to report the error."""
    root = dead({"score.py": f"import polars{SCRIPT}"})

    generated, checked = run([*MLPACKAGE, "generate", "--no-check"], root), run([*MLPACKAGE, "check"], root)

    assert (generated.returncode, generated.stderr) == (0, f"Warning: score.py:1: {POLARS}\n")
    assert (checked.returncode, f"score.py:1: {POLARS}" in checked.stderr) == (1, True)


def test_hints_stay_hints(dead, run):
    """What `check` only hints at, such as a pickle, is nothing that `generate` mentions."""
    root = dead({"score.py": f"import idna, pickle\nM = pickle.loads(b''){SCRIPT}"})

    generated, checked = run([*MLPACKAGE, "generate", "--strict"], root), run([*MLPACKAGE, "check"], root)

    assert (generated.returncode, generated.stderr) == (0, "")
    assert checked.stderr.startswith("Hint[unpickling]: ")
