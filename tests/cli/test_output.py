from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from hatch_mlpackage.cli.errors import print_error
from hatch_mlpackage.cli.output import on_terminal, plural, size, writing
from hatch_mlpackage.cli.program import run
from hatch_mlpackage.cli.tables import TreeRow, aligned, draw_table, draw_tree, fold
from hatch_mlpackage.context.plan import ContextFile
from hatch_mlpackage.errors import ConfigurationError, Problem

BIG = ContextFile(path="azureml-models/big/1/weights.bin", layer="azureml-models/big/1", source=b"", size=64 << 20)
SMALL = ContextFile(path="Dockerfile", layer="build", source=b"", size=10)


@dataclass
class File:
    path: str
    size: int


FILES = [
    File("Dockerfile", 4000),
    File("azureml-app/score.py", 7),
    *(File(f"runtime/{n:02}.py", 10) for n in range(13)),
]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_440_000, "1.4 MB"), (2 << 30, "2.1 GB"), (10**16, "10000.0 TB")],
)
def test_size(count, text):
    """Sizes use powers of 1000, as disks and registries do."""
    assert size(count) == text


def test_plural():
    """Only the number one takes the singular."""
    assert (plural(0, "file"), plural(1, "file"), plural(2, "file")) == ("0 files", "1 file", "2 files")


def test_fold():
    """A folder with many files becomes one row with their total size."""
    assert fold(FILES) == [
        TreeRow(path="Dockerfile", size=4000),
        TreeRow(path="azureml-app/score.py", size=7),
        TreeRow(path="runtime", size=130, files=13),
    ]


def test_tree_without_a_terminal(capsys):
    """In a pipe each line of a tree is a size and a whole path."""
    draw_tree("context", FILES)

    assert capsys.readouterr().out == (
        "context\n  4.0 kB  Dockerfile\n     7 B  azureml-app/score.py\n   130 B  runtime/ (13 files)\n"
    )


def test_tree_on_a_terminal(terminal, monkeypatch):
    """On a terminal a tree is drawn; NO_COLOR removes the colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen = terminal()

    draw_tree("context", FILES)

    text = screen.getvalue().replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert text == (
        "context\n├── Dockerfile  4.0 kB\n├── azureml-app/\n│   └── score.py  7 B\n└── runtime/ (13 files)  130 B\n"
    )


def test_colours_on_a_terminal(terminal):
    """On a terminal errors have a colour."""
    screen = terminal()

    print_error(ConfigurationError((Problem(where="a[0]", what="[b] is wrong.", fix="Mend it."),)))

    assert "\x1b[1;31mError[configuration]: \x1b[0m" in screen.getvalue()
    assert "[b] is wrong." in screen.getvalue()


def test_dumb_terminal(terminal, monkeypatch):
    """A terminal without drawing gets plain text."""
    monkeypatch.setenv("TERM", "dumb")
    terminal()

    assert not on_terminal()
    assert not on_terminal(stderr=True)


def test_aligned():
    """Columns line up with numbers to the right, and no line ends in spaces."""
    assert aligned([("layer", "size", "since"), ("source", "10 B", "same"), ("m", "2.0 MB", "")]) == [
        "layer     size  since",
        "source    10 B  same",
        "m       2.0 MB",
    ]


def test_table_on_a_terminal(terminal):
    """On a terminal a table has a ruled heading."""
    screen = terminal()

    draw_table(("layer", "size"), [("source", "10 B")])

    assert "──────" in screen.getvalue()
    assert "source" in screen.getvalue()


@pytest.mark.parametrize("arguments", [["--plain", "check"], ["check", "--plain"]])
def test_plain(project, terminal, arguments):
    """With `--plain`, before or after the verb, a terminal gets the same text as a file, errors included."""
    screen = terminal()
    (project / "score.py").write_text("def init(): ...\n")

    assert run(arguments) == 1
    assert screen.getvalue() == (
        "Error[configuration]: 1 problem in the configuration or the files it names:\n"
        "  score.py:1: no run() is defined. Define run(data), which is called for each request.\n"
    )


def test_plain_is_for_one_run(project, terminal):
    """After a run with `--plain`, the next run in the same process draws again."""
    run(["--plain", "plan"])
    screen = terminal()

    run(["plan"])

    assert "\x1b[" in screen.getvalue()


def test_no_color(project, terminal, monkeypatch):
    """With NO_COLOR a terminal gets trees without colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen = terminal()

    run(["plan"])

    assert "├── " in screen.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", screen.getvalue())


def test_big_files_on_a_terminal(terminal):
    """On a terminal a big file has a progress bar with its name; a small one has none."""
    screen = terminal()

    with writing() as progress:
        progress(SMALL, 10)
        for _ in range(4):
            progress(BIG, 16 << 20)

    assert BIG.path in screen.getvalue()
    assert SMALL.path not in screen.getvalue()


@pytest.mark.parametrize("file", [BIG, SMALL])
def test_nothing_without_a_terminal(capsys, file):
    """A pipe gets no progress."""
    with writing() as progress:
        progress(file, file.size)

    assert capsys.readouterr() == ("", "")
