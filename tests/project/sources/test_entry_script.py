from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.project.sources.entry_script import EntryScript, read_entry_script

INIT = "def init():\n    pass\n"
RUN = "def run(data):\n    return data\n"


def found(problems):
    return [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (INIT + RUN, EntryScript(call_style="text", parameters=("data",))),
        (
            "import json\nimport numpy.linalg as n\nfrom os import path\nfrom . import x\n"
            "from inference_schema.schema_decorators import input_schema\n"
            + INIT
            + "@input_schema('a', 1)\n@input_schema('b', 2)\n"
            "def run(a, b=3, *, request_headers):\n    import joblib\n",
            EntryScript(
                call_style="schema",
                parameters=("a", "b", "request_headers"),
                imports=frozenset({"json", "numpy.linalg", "os", "inference_schema.schema_decorators", "joblib"}),
            ),
        ),
        (INIT + "@rawhttp\ndef run(request):\n    pass\n", EntryScript(call_style="rawhttp", parameters=("request",))),
        (
            INIT + "@schema.input_schema('a', 1)\nasync def run(a):\n    pass\n",
            EntryScript(call_style="schema", parameters=("a",)),
        ),
        ("from scoring import init, run\n", EntryScript(imports=frozenset({"scoring"}))),
        ("from scoring import *\n", EntryScript(imports=frozenset({"scoring"}))),
        ("import score as driver_module\n" + INIT, EntryScript(imports=frozenset({"score"}))),
        (
            "try:\n    import a\n" + "".join(f"    {line}\n" for line in RUN.splitlines()) + "except ImportError:\n"
            "    run = print\ninit = print\n",
            EntryScript(imports=frozenset({"a"})),
        ),
    ],
)
def test_reads(problems, source, expected):
    """The call style, parameters and imports are read from the text alone."""
    script = read_entry_script(source.encode(), "score.py", problems)

    assert (script, found(problems)) == (replace(expected, source=source.encode()), [])


RUN_FIX = "Define run(data), which is called for each request."
INIT_FIX = "Define init(), which is called once and loads the model."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", [f"score.py:1: no init() is defined. {INIT_FIX}", f"score.py:1: no run() is defined. {RUN_FIX}"]),
        (INIT, [f"score.py:1: no run() is defined. {RUN_FIX}"]),
        ("class A:\n    def init(): pass\n" + RUN, [f"score.py:1: no init() is defined. {INIT_FIX}"]),
        ("def init(model):\n    pass\n" + RUN, [f"score.py:1: init() must take no argument. {INIT_FIX}"]),
        (INIT + "def run():\n    pass\n", [f"score.py:3: run() takes no input. {RUN_FIX}"]),
        (INIT + "def run(request_headers):\n    pass\n", [f"score.py:3: run() takes no input. {RUN_FIX}"]),
        (
            INIT + "def run(*data):\n    pass\n",
            ["score.py:3: run() has positional-only parameters, *args or **kwargs. Name each parameter."],
        ),
    ],
)
def test_refuses(problems, source, expected):
    """A script that the server would refuse to load is refused here, with the line."""
    read_entry_script(source.encode(), "score.py", problems)

    assert found(problems) == expected


def test_syntax_error(problems):
    """A syntax error is reported with its line."""
    assert read_entry_script(b"def init():\n    pass\n\ndef run(data)\n    pass\n", "score.py", problems) is None
    assert [(problem.where, problem.what) for problem in problems.found] == [
        ("score.py:4", "syntax error: expected ':'.")
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            b'def init():\n    print "loading"\n',
            (
                "score.py:2: syntax error: Missing parentheses in call to 'print'. Did you mean print(...). "
                "This is Python 2, and images have Python 3: write print(…)."
            ),
        ),
        (
            b"def init():\n\tif 1:\n        pass\n",
            "score.py:3: syntax error: inconsistent use of tabs and spaces in indentation. Indent with spaces alone.",
        ),
        (
            b"# coding: klingon\n",
            (
                "score.py:1: syntax error: unknown encoding: klingon. "
                "Save it as UTF-8, or name its encoding in its first line: # coding: latin-1"
            ),
        ),
    ],
)
def test_next_step(problems, source, expected):
    """A syntax error that a newer Python would not cure gets another fix."""
    read_entry_script(source, "score.py", problems)

    assert list(map(str, problems.found)) == [expected]


@pytest.mark.parametrize("source", [b"\xff\xfe", b"a\0b", b"# coding: nonsense\n"])
def test_unreadable_text(problems, source):
    """Bytes that are not Python source are a problem with a line."""
    assert read_entry_script(source, "score.py", problems) is None
    assert [problem.where for problem in problems.found] == ["score.py:1"]


def test_thousands_of_branches(problems):
    """A script is read however many branches its statements have."""
    branches = "if A:\n    pass\n" + "elif A:\n    pass\n" * 2000 + "else:\n    def init(): ...\n"

    assert read_entry_script(f"{branches}def run(data): ...\n".encode(), "score.py", problems) is not None
    assert problems.found == ()
