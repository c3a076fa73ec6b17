from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.nodes import Node


def read(content, problems):
    return read_document(content, "config.json", problems)


def node(line, value, text=""):
    return Node(path="config.json", line=line, value=value, text=text)


SAME = {
    "json": b'{\n  "entryScript": "score.py",\n  "enableGpu": false\n}\n',
    "trailing comma": b'{\n  "entryScript": "score.py",\n  "enableGpu": false,\n}\n',
    "crlf": b'{\r\n  "entryScript": "score.py",\r\n  "enableGpu": false\r\n}\r\n',
    "byte order mark": b'\xef\xbb\xbf{\n  "entryScript": "score.py",\n  "enableGpu": false\n}\n',
    "tabs": b'{\n\t"entryScript": "score.py",\n\t"enableGpu": false\n}\n',
    "utf-16": '\ufeff{\n  "entryScript": "score.py",\n  "enableGpu": false\n}\n'.encode("utf-16-le"),
    "yaml": b"# how it is served\nentryScript: score.py\nenableGpu: no\n",
    "yaml in braces": b"{\n  entryScript: score.py,\n  enableGpu: false }\n",
    "json with comments": b'{\n  "entryScript": "score.py", # the script\n  "enableGpu": false\n}\n',
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_one_configuration_in_every_notation(content, problems):
    """JSON and YAML give the same values on the same lines."""
    found = read(content, problems)

    assert problems.found == ()
    written = "no" if b"no\n" in content else "false"
    assert found.value == {
        "entryScript": node(line=2, value="score.py", text="score.py"),
        "enableGpu": node(line=3, value=False, text=written),
    }


@pytest.mark.parametrize("content", [b'{\n"a": 1, "a": 2,\n"a": 3}', b"# a\na: 1\na: 2\na: 3\n"])
def test_a_key_that_is_given_again(content, problems):
    """The last value of a key counts, as for the original; the node keeps the first one's line."""
    found = read(content, problems)

    assert (problems.found, found.value) == ((), {"a": replace(node(found.value["a"].line, 3, "3"), first=2)})


NESTED = "config.json:1: the nesting is too deep. Use 50 levels at most."
BROKEN = {
    b"": "config.json: the file is empty. Write the configuration into it.",
    b'{\n"a": "1"\n"b": 2}': (
        "config.json:3: this is not YAML: expected ',' or '}', but got '<scalar>'. Correct the line."
    ),
    b"a: \xff\n": "config.json:1: this line is not UTF-8 text. Save the file as UTF-8.",
    b'{"a": "\\ud800"}': (
        "config.json:1: this text holds half a character (a lone surrogate). Write the character whole."
    ),
    b"a: &x [1]\nb: *x\n": (
        "config.json:1: an alias repeats a list or an object. Write the contents out in its place."
    ),
    b"[" * 99 + b"]" * 99: NESTED,
    b"? [a]\n: 1\n": "config.json:1: this key is not text. Write a name before the colon.",
    b"<<<<<<< HEAD\na: 1\n": (
        "config.json:1: a merge-conflict marker is left in the file. "
        "Resolve the conflict: keep one side and delete the marker lines."
    ),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.items(), ids=map(str, range(len(BROKEN))))
def test_what_cannot_be_read(content, said, problems):
    """A file that cannot be read is refused with its line and the fix."""
    assert read(content, problems) is None
    assert "\n".join(map(str, problems.found)) == said


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"4", 4),
        (b"0x1F", 31),
        (b"1_000", 1000),
        (b"3.10", 3.1),
        (b"off", False),
        (b"~", None),
        (b"1:30", "1:30"),
        (b"017", "017"),
        (b".inf", ".inf"),
        (b"2020-02-02", "2020-02-02"),
        (b"'4'", "4"),
        (b"!!python/name:os.system", ""),
    ],
)
def test_scalars_of_yaml(written, value, problems):
    """A scalar has the type that YAML gives it if JSON has that type, and stays text otherwise."""
    found = read(b"a: " + written, problems)

    assert (problems.found, found.value["a"].value) == ((), value)
