from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.conda.inputs import CondaInputs, check_conda_python
from hatch_mlpackage.lock.conda.reading import read_conda_file
from hatch_mlpackage.project.target import Target

NO_CHANNELS = (
    "environment.yml: no channels are named: conda-forge is used. "
    "For Anaconda's own, whose terms you then accept, write `channels: [defaults]`."
)
NO_PIP = "environment.yml: pip is not among the dependencies: the image's build provides its own."
ONLY_PIP = "environment.yml: it asks conda only for Python, so pip locks and installs everything."
OWN_CHANNEL = "channels: [conda-forge]\n"


@pytest.fixture
def read():
    """Give a function that reads a text as environment.yml, and returns the file and the problems as texts."""

    def reading(text: str | bytes) -> tuple[CondaFile | None, list[str]]:
        content = text.encode() if isinstance(text, str) else text
        problems = Problems()
        found = read_conda_file(content, "environment.yml", "linux-64", problems)
        return found, [str(problem) for problem in problems.found]

    return reading


def environment(*specs: tuple[int, str], channels=("conda-forge",), pip=(), notes=()) -> CondaFile:
    return CondaFile(
        path="environment.yml",
        kind="environment",
        channels=channels,
        specs=tuple(Line(*spec) for spec in specs),
        pip=tuple(Line(*line) for line in pip),
        notes=notes,
    )


QUIRKS = {
    "everything usual": (
        (
            "name: diabetes\nchannels:\n  - pytorch\n  - conda-forge\n  - nodefaults\n"
            "dependencies:\n  - python=3.8.13  # old\n  - pip\n  - numpy>=1.2,<2\n  - pytorch::pytorch=1.10\n"
            "  - pip:\n    # for scoring\n    - azureml-defaults~=1.0\n    - --extra-index-url https://wheels.example/\n"
        ),
        environment(
            (7, "python 3.8.13.*"),
            (8, "pip"),
            (9, "numpy >=1.2,<2"),
            (10, "pytorch::pytorch 1.10.*"),
            channels=("pytorch", "conda-forge"),
            pip=((13, "azureml-defaults~=1.0"), (14, "--extra-index-url https://wheels.example/")),
        ),
    ),
    "no channels, Windows line ends, no final newline, a byte order mark": (
        b"\xef\xbb\xbfdependencies:\r\n- numpy",
        environment((2, "numpy"), notes=(NO_CHANNELS,)),
    ),
    "PowerShell's UTF-16": (
        "\ufeffchannels: [conda-forge]\ndependencies: [numpy]\n".encode("utf-16-le"),
        environment((2, "numpy")),
    ),
    "Anaconda's defaults": (
        "channels: [defaults]\ndependencies: [numpy]\n",
        environment((2, "numpy"), channels=("main", "r")),
    ),
    "one channel that is no list": (
        "channels: conda-forge\ndependencies: [numpy]\n",
        environment((2, "numpy")),
    ),
    "channels of null, and pip with nothing below it": (
        "channels:\ndependencies:\n- numpy\n- pip\n- pip:\n",
        environment((3, "numpy"), (4, "pip"), notes=(NO_CHANNELS,)),
    ),
    "a name and a prefix of another machine, and variables": (
        f"name: C:\\Users\\me\\envs\\x\nprefix: /home/me/x\nvariables:\n  A: b\n{OWN_CHANNEL}dependencies: [numpy]\n",
        environment(
            (6, "numpy"),
            notes=(
                "environment.yml: name is ignored: it is a path of another machine.",
                "environment.yml: prefix is ignored: it is a folder of another machine.",
                (
                    "environment.yml: variables are not set in the image: "
                    "set those that matter in environment-variables of [tool.mlpackage]."
                ),
            ),
        ),
    ),
    "upper case, spaces, twice": (
        f"{OWN_CHANNEL}dependencies:\n- NumPy = 1.2\n- numpy=1.2\n- numpy<2\n",
        environment(
            (3, "numpy 1.2.*"),
            (5, "numpy <2"),
            notes=(
                "environment.yml:3: `NumPy = 1.2` is read in lower case, as conda does.",
                "environment.yml:4: numpy is also on line 3: both count.",
                "environment.yml:5: numpy is also on line 3: both count.",
            ),
        ),
    ),
    "selectors": (
        f"{OWN_CHANNEL}dependencies:\n- numpy  # [linux64]\n- pywin32  # [win]\n- scipy  # [which]\n",
        environment(
            (3, "numpy"),
            (5, "scipy"),
            notes=(
                "environment.yml:4: left out: `# [win]` does not match the image.",
                "environment.yml:5: kept: the comment `# [which]` is not a known selector.",
            ),
        ),
    ),
    "a pip list without pip, pip as a text": (
        f"{OWN_CHANNEL}dependencies:\n- numpy\n- pip: flask==2.0\n",
        environment((3, "numpy"), pip=((4, "flask==2.0"),), notes=(NO_PIP,)),
    ),
    "JSON": (
        '{"channels": ["conda-forge"], "dependencies": ["numpy", "pip", {"pip": ["flask"]}]}',
        environment((1, "numpy"), (1, "pip"), pip=((1, "flask"),)),
    ),
    "pip in disguise": (
        "channels: [conda-forge]\ndependencies:\n- python=3.12\n- pip<=20.2.4\n- pip:\n  - flask\n",
        CondaFile(
            path="environment.yml",
            kind="pip",
            specs=(Line(3, "python 3.12.*"), Line(4, "pip <=20.2.4")),
            pip=(Line(6, "flask"),),
            notes=(ONLY_PIP,),
        ),
    ),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_what_people_write_is_read(read, quirk):
    """Every common way of writing a conda file is read, and a note names what is not used."""
    text, expected = QUIRKS[quirk]

    assert read(text) == (expected, [])


BROKEN = {
    "dependencies:\n<<<<<<< HEAD\n- numpy\n": [
        (
            "environment.yml:2: a merge-conflict marker is left in the file. "
            "Resolve the conflict: keep one side and delete the marker lines."
        )
    ],
    "dependencies:\n- numpy\n-pip:\n  - flask\n": [
        "environment.yml:3: a dash needs a space after it to make a list item. Write `- ` before the entry."
    ],
    "dependencies:\n\t- numpy\n": [
        "environment.yml:2: the line is indented with a tab, which YAML forbids. Indent with spaces."
    ],
    "# {{ fine }}\ndependencies:\n- pip:\n  - flask=={{latest-pypi-version}}\n": [
        "environment.yml:4: a template placeholder is not filled in. Write the value itself in its place."
    ],
    f"{OWN_CHANNEL}dependencies:\n- numpy\n-\n- pip:\n  - flask\n  -\n": [
        "environment.yml:4: a dependency is blank. Remove the item.",
        "environment.yml:7: an item of the pip list is blank. Remove the item.",
    ],
    "dependancies:\n- numpy\n": [
        "environment.yml:1: `dependancies:` is not a key of a conda file. Did you mean 'dependencies'?",
        "environment.yml:1: `dependencies:` lists nothing. List the packages below it, one `- ` each.",
    ],
    f"{OWN_CHANNEL}dependencies:\n- numpy: 1.2\n- [scipy]\n- pip:\n    flask: 1\n": [
        (
            "environment.yml:3: `numpy:` is neither a package nor `pip:`. "
            "Write `numpy=version`, or `- pip:` for a list of pip's."
        ),
        "environment.yml:4: a list stands inside the list of dependencies. Write one package on each line.",
        "environment.yml:6: `pip:` holds a mapping. Write a `- ` before each entry.",
    ],
    f"{OWN_CHANNEL}dependencies: [numpy]\ndependencies: [scipy]\n": [
        "environment.yml:3: `dependencies:` is also on line 2. Join the two."
    ],
    "channels: [https://me:secret@channel.example/x, file:///home/me/channel, 'a b']\ndependencies: [numpy]\n": [
        (
            "environment.yml:1: the channel https://****@channel.example/x holds credentials. "
            "Take them out of the file, and give them to the solver in ~/.netrc or a file that RATTLER_AUTH_FILE names."
        ),
        (
            "environment.yml:1: the channel file:///home/me/channel is a folder of this machine. "
            'Copy it into the project, and set conda-mode = "vendored" and conda-channel to it.'
        ),
        "environment.yml:1: `a b` is not a channel. Write its name or its URL.",
    ],
    f"{OWN_CHANNEL}dependencies:\n- numpy=>1\n": [
        "environment.yml:3: `numpy=>1` has its operator the wrong way round. Write `>=` or `<=`."
    ],
    "- numpy\n": ["environment.yml:1: this is not a conda file. List the packages below `dependencies:`."],
    "": ["environment.yml: the file is empty. List what the model needs below `dependencies:`."],
    "dependencies:\n- 'numpy\n": [
        "environment.yml:3: this is not YAML: found unexpected end of stream. Correct the line."
    ],
    "dependencies: numpy\n": ["environment.yml:1: `dependencies: numpy` is not a list. Write `- `."],
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_broken_is_refused(read, text):
    """Every mistake is reported with its line and its fix."""
    assert read(text)[1] == BROKEN[text]


def test_a_file_that_is_not_text(read):
    """Bytes that are not UTF-8 text are reported with their line."""
    assert read(b"channels:\n- \xff\xff\n") == (
        None,
        ["environment.yml:2: this line is not UTF-8 text. Save the file as UTF-8."],
    )


@settings(deadline=None, max_examples=150)
@given(
    text=strategies.one_of(
        strategies.text(),
        strategies.lists(
            strategies.sampled_from(
                [
                    "dependencies:",
                    "- ",
                    "  - pip:",
                    "numpy",
                    "=",
                    "::",
                    "[",
                    "]",
                    "{",
                    "&a ",
                    "*a",
                    "\n",
                    "\t",
                    "'",
                    "|",
                ]
            )
        ).map("".join),
    )
)
def test_any_text(text):
    """Any text is read or reported as a problem."""
    problems = Problems()

    found = read_conda_file(text.encode("utf-8", "surrogatepass"), "any.yml", "linux-64", problems)

    assert found is not None or problems.found


def test_python_of_the_image():
    """A Python that excludes the image's is a problem that names the version to set."""
    problems = Problems()
    for spec in ("python", "python 3.12.*", "python 3.8.13.*", "python ==3.6.2", "python 3.5.*"):
        check_conda_python(environment((4, spec)), "3.12", problems)

    assert [str(problem) for problem in problems.found] == [
        (
            "environment.yml:4: `python 3.8.13.*` excludes the image's Python 3.12. "
            'Set python-version = "3.8" in [tool.mlpackage], or change it here.'
        ),
        (
            "environment.yml:4: `python ==3.6.2` excludes the image's Python 3.12. "
            'Set python-version = "3.6" in [tool.mlpackage], or change it here.'
        ),
        (
            "environment.yml:4: `python 3.5.*` excludes the image's Python 3.12. "
            'Entry scripts are run on Python 3.6 to 3.14: choose one with python-version = "3.6" in [tool.mlpackage], '
            "which replaces this line."
        ),
    ]


@pytest.mark.parametrize("kind", ["environment", "pip"])
def test_a_python_that_the_project_chose(kind):
    """The Python that the project chose replaces the file's pin, and a note says what that means for the model."""
    problems = Problems()
    file = replace(environment((4, "python 3.6.2.*"), (5, "numpy")), kind=kind)
    asked = CondaInputs(file=file, target=Target(python="3.11", platform="linux/amd64", libc="manylinux_2_36"))

    check_conda_python(file, "3.11", problems, is_chosen=True)

    assert problems.found == ()
    assert asked.notes == (
        (
            "environment.yml:4: `python 3.6.2.*` is replaced by 3.11: a pickled model may not load or may answer "
            "otherwise there, so compare its answers or train it again."
        ),
    )
    if kind == "environment":
        assert [spec.text for spec in asked.specs] == ["numpy", "python 3.11.*"]
