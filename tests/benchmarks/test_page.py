"""The page of benchmarks, its pictures and that of the README are those of the saved results."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import page
import plots
import pytest
from plots import Panel
from results import Failure, Load, Results, read

ROOT = Path(__file__).parents[2]
DRAW = "Run `python tests/benchmarks/page.py`"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def saved():
    return read(page.RESULTS)


def test_the_tables(saved):
    """The tables of the page are those of the saved results, and each has its place."""
    written = page.PAGE.read_text(encoding="utf-8")

    assert written == page.filled(written, saved), DRAW
    assert {name for _, name, _ in page.BLOCK.findall(written)} == set(page.tables(saved))


def test_the_pictures(saved):
    """The pictures are those of the saved results; the page or the README shows each, and no other one is there."""
    drawn = plots.pictures(saved)

    assert {path.name: path.read_text(encoding="utf-8") for path in page.PICTURES.glob("benchmark-*")} == drawn, DRAW
    pages = (page.PAGE.read_text(encoding="utf-8"), (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(re.findall(r"pictures/(benchmark-[\w-]+\.svg)", "".join(pages))) == set(drawn)


def test_every_server_is_shown(saved):
    """A server is in the tables with figures or with the reason why it has none."""
    found = page.tables(saved)

    for name, peer in page.PEERS.items():
        for case in peer.spellings:
            assert f"| {name} |" in found[case], (name, case)


def results(**parts):
    return Results(rounds=3, seconds=1, machine={}, versions={}, **parts)


def load(server, rates, connections=8, others=(0.0, 0.01, 0.02)):
    same = {"p50s": [0.5, 0.7, 0.6], "p99s": [2.0, 9.0, 3.0], "others": list(others)}
    return Load(server=server, case="echo", connections=connections, rates=rates, **same)


def test_a_table():
    """A row has medians with their spread; the fastest is first, and a server without figures says why."""
    found = results(
        loads=[load("mosec", [900.0, 1100.0, 1000.0]), load("hatch-mlpackage", [3000.0, 1000.0, 2000.0])],
        failures=[Failure(server="MLflow", case="", reason="cannot be installed: a|b")],
    )

    head, line, *rows = page.tables(found)["echo"].splitlines()

    assert head == ("| server | 1 connection | 8 connections | 64 connections | p50, ms | p99, ms |")
    assert line == "| --- | --: | --: | --: | --: | --: |"
    assert rows == [
        "| hatch-mlpackage | - | 2,000 (1,000\N{EN DASH}3,000) | - | - / 0.60 / - | - / 3.00 / - |",
        "| mosec | - | 1,000 (900\N{EN DASH}1,100) | - | - / 0.60 / - | - / 3.00 / - |",
        "| MLflow | no figures: cannot be installed: a/b |  |  |  |  |",
    ]


def test_the_noise():
    """The page says how many rounds there were, how they differ, and what else ran."""
    assert page.noise(results(loads=[load("mosec", [900.0, 1100.0, 1000.0])])) == (
        "Each number is the median of 3 loads of 1 s. Programs that the benchmark had not started took 1% of the "
        "processors at the median of all 3 loads, and 2% at most. From the slowest to the fastest round, rates differ "
        "by 20% of their median (the median of all 1 rates; the greatest is 20%)."
    )


def test_a_busy_machine():
    """Figures of a machine that did other work come with a warning."""
    said = page.noise(results(loads=[load("mosec", [900.0, 1100.0, 1000.0], others=[0.05, 0.4, 0.8])]))

    assert said.startswith("**The machine was busy with other work: trust no figure.** Each number")


@pytest.mark.parametrize("theme", plots.THEMES)
def test_a_plot(theme):
    """Bars are as long as the medians, in order; ours stands out, and hostile names stay text."""
    values = {"<b>&": [100.0, 100.0, 100.0], "hatch-mlpackage": [150.0, 250.0, 200.0]}
    panels = [Panel(title="8 connections", values=values), Panel(title="64 connections", values={})]

    svg = ET.fromstring(plots.draw("Rates", panels, theme=theme, falling=True))

    back, *bars = [it.attrib for it in svg.iter(f"{SVG}rect")]
    words = [it.text for it in svg.iter(f"{SVG}text")]
    assert back["fill"] == plots.THEMES[theme]["back"]
    assert [it["fill"] for it in bars] == [plots.THEMES[theme][name] for name in ("ours", "other")]
    assert float(bars[0]["width"]) == pytest.approx(2 * float(bars[1]["width"]), abs=0.1)
    assert words == [
        *("Rates", "hatch-mlpackage", "<b>&", "8 connections", "200", "100", "64 connections", "-", "-"),
        "Bars are medians; thin lines lead from the least to the greatest round.",
    ]


def test_what_does_not_fit():
    """No bar with its number is wider than its panel, and texts are big enough to read."""
    values = {"hatch-mlpackage": [99_999.0, 120_000.0], "mosec": [1.0, 2.0]}

    svg = plots.draw("Rates", [Panel(title="8", values=values)], theme="light", falling=True)

    width = float(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    for left, words in re.findall(r'<text x="([\d.]+)"[^>]*>([^<]*)', svg):
        assert float(left) + 7.5 * len(words) <= width or len(words) > 40, words
    assert min(map(int, re.findall(r"font-size: (\d+)px", svg))) >= 12
