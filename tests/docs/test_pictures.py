"""Draw the pictures of the terminal with rich from the commands' output; `--update-golden` draws them anew."""

from __future__ import annotations

import html
import io
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs/pictures"
WIDTH = 100
PATIENCE = 300
MISTAKES = """import nunpy
from sklearn.externals import joblib

words = open("data/words.txt").read().split()
"""


def output_on_a_terminal(command, folder):
    """Return a program's output on a terminal of `WIDTH` columns, with its colours."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "COLORTERM": "truecolor"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as program:
        os.close(theirs)
        printed = b"".join(read_until_closed(ours))
        program.wait(PATIENCE)
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def read_until_closed(terminal):
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux's error when the other side has closed the terminal
            return
        yield part


def draw(title, printed):
    """Draw a terminal as SVG that loads no font from another site."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(printed))
    svg = console.export_svg(title=title, unique_id=re.sub(r"\W", "-", title))
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def words(svg):
    """Return the text of a picture without its sizes, which change with every version of the runtime."""
    shown = html.unescape(" ".join(re.findall(r"<text[^>]*>(.*?)</text>", svg)))
    return re.sub(r"[\d.]+ k?B|\(\d+ files\)|\b\d+ files?", "…", shown.replace("\xa0", " ")).split()


def compare(name, svg, request, expected=words):
    path = PICTURES / f"{name}.svg"
    if request.config.getoption("--update-golden"):
        path.write_text(svg, encoding="utf-8")
    assert expected(path.read_text(encoding="utf-8")) == expected(svg)


@pytest.fixture
def project(tmp_path):
    """Give a copy of a project with a small model and its committed lock, under the name in the pictures."""
    return shutil.copytree(ROOT / "tests/projects/minimal", tmp_path / "greeting")


def mlpackage(*arguments):
    return [sys.executable, "-P", "-m", "hatch_mlpackage", *arguments]


def test_plan(project, request):
    """The picture of `plan` shows the command's output."""
    compare("plan", draw("mlpackage plan", output_on_a_terminal(mlpackage("plan"), project)), request)


def test_check(project, request):
    """The picture of `check` shows its findings in a script with three mistakes."""
    script = project / "score.py"
    script.write_text(f"{MISTAKES}{script.read_text()}")

    printed = output_on_a_terminal(mlpackage("check"), project)
    compare("check", draw("mlpackage check", printed), request)


@pytest.mark.network
@pytest.mark.slow
def test_demo(tmp_path, request):
    """The picture of `demo` has the commands and the headings of its output."""

    said = (
        "mlpackage lock",
        "Lock the",
        "Install the",
        "Check every",
        "Write the",
        "Serve that",
        "Prove that",
        "They agree.",
        "Next",
    )

    def narrated(svg):
        return [sentence for sentence in said if sentence in " ".join(words(svg))]

    printed = output_on_a_terminal(mlpackage("demo", "--directory", "diabetes"), tmp_path)
    # Lines that depend on this machine: its folders, and whether it reaches a registry.
    printed = re.sub(r"^.*cannot be reached: .*\n.*left unpinned: .*\n", "", printed, flags=re.MULTILINE)
    printed = re.sub(r"^.*Warning\[base-image\]: .*\n", "", printed, flags=re.MULTILINE)
    printed = printed.replace(str(tmp_path), "~").replace(sys.executable, "python3")
    printed = printed.replace(os.environ["MLPACKAGE_CACHE_DIR"], "~/.cache/hatch-mlpackage")
    printed = re.sub(r"/tmp/mlpackage-\w+", "/tmp/mlpackage", printed)
    compare("demo", draw("mlpackage demo", printed), request, narrated)


def test_the_start_page_on_a_phone():
    """The start page's first picture fits a screen of 390 pixels at its own size; every other one keeps its width."""
    first = re.findall(r"\]\((pictures/\S+\.svg)\)", (ROOT / "docs/index.md").read_text(encoding="utf-8"))[0]
    picture = (ROOT / "docs" / first).read_text(encoding="utf-8")
    rules = (ROOT / "docs/narrow.css").read_text(encoding="utf-8")

    assert int(re.search(r'viewBox="0 0 (\d+) ', picture)[1]) <= 390 - 2 * 15  # without the margins of the page
    assert min(map(int, re.findall(r"font-size: (\d+)px", picture))) >= 12
    assert f'img[src*="pictures/"]:not([src$="{Path(first).name}"])' in rules
    assert "extra_css: [narrow.css]" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
