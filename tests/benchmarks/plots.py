"""Draw the results as SVG, each picture once for light and once for dark pages."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from questions import CASES
from results import CONNECTIONS, OURS, Results, spelt

NAMES_WIDTH, PANEL_WIDTH, GAP, MARGIN = 240, 170, 14, 16
ROW, BAR, TOP = 26, 16, 66
LABEL_WIDTH = 62  # of the number after the longest bar
THEMES = {
    "light": {"back": "#ffffff", "text": "#1f2937", "ours": "#4f46e5", "other": "#c3c9d6", "range": "#1f2937"},
    "dark": {"back": "#0d1117", "text": "#e6edf3", "ours": "#818cf8", "other": "#4b5563", "range": "#e6edf3"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Hold the values of each round by the name of the server, and how to print one."""

    title: str
    values: Mapping[str, Sequence[float]]
    form: str = "{:,.0f}"


def pictures(results: Results) -> dict[str, str]:
    """Return all pictures by their file names."""
    found = {}
    for name, (title, panels, falling) in {**rate_plots(results), **other_plots(results)}.items():
        for theme in THEMES:
            if any(panel.values for panel in panels):
                found[f"benchmark-{name}-{theme}.svg"] = draw(title, panels, theme=theme, falling=falling)
    return found


def rate_plots(results: Results) -> dict[str, tuple[str, list[Panel], bool]]:
    plots = {}
    for case in CASES.values():
        panels = [
            Panel(title=spelt(count), values=loads_of(results, case.name, count, "rates")) for count in CONNECTIONS
        ]
        plots[case.name] = (f"Requests per second: {case.title}", panels, True)
    return plots


def other_plots(results: Results) -> dict[str, tuple[str, list[Panel], bool]]:
    latencies = [
        Panel(title=spelt(count), values=loads_of(results, "ridge", count, "p99s"), form="{:,.1f}")
        for count in CONNECTIONS
    ]
    costs = {cost.server: cost for cost in results.costs if cost.case == "ridge"}
    needs = [
        Panel(title="start, s", values={name: it.starts for name, it in costs.items() if it.starts}, form="{:.2f}"),
        Panel(title="memory, MiB", values={name: it.resident for name, it in costs.items() if it.resident}),
    ]
    return {
        "latency": (f"99th percentile in ms: {CASES['ridge'].title}", latencies, False),
        "needs": (f"Start and memory: {CASES['ridge'].title}", needs, False),
    }


def loads_of(results: Results, case: str, count: int, figure: str) -> dict[str, list[float]]:
    return {it.server: getattr(it, figure) for it in results.loads if (it.case, it.connections) == (case, count)}


def ranked(panels: Sequence[Panel], *, falling: bool) -> list[str]:
    """Return the names of all servers, the best of the last panel first; at the end those that are not in it.

    A run without any server in that panel has another last one.
    """
    names = dict.fromkeys(name for panel in panels for name in panel.values)
    last = next((panel.values for panel in reversed(panels) if panel.values), {})
    there = sorted(
        (name for name in names if name in last), key=lambda it: statistics.median(last[it]), reverse=falling
    )
    return [*there, *(name for name in names if name not in last)]


def draw(title: str, panels: Sequence[Panel], *, theme: str, falling: bool) -> str:
    """Draw a row of bars for each server in every panel, with a line from the least to the greatest round."""
    names, colours = ranked(panels, falling=falling), THEMES[theme]
    width = 2 * MARGIN + NAMES_WIDTH + len(panels) * (PANEL_WIDTH + GAP) - GAP
    height = TOP + ROW * len(names) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
        f'  <title id="title">{escape(title)}</title>',
        "  <style>",
        f"    text {{ font-family: system-ui, sans-serif; font-size: 13px; fill: {colours['text']}; }}",
        "    .t { font-size: 15px; font-weight: 600; }",
        "    .o { font-weight: 600; }",
        "  </style>",
        f'  <rect width="{width}" height="{height}" rx="10" fill="{colours["back"]}"/>',
        text(MARGIN, 28, title, "t"),
        *(text(MARGIN, line_of(number), name, kind(name)) for number, name in enumerate(names)),
    ]
    for number, panel in enumerate(panels):
        left = MARGIN + NAMES_WIDTH + number * (PANEL_WIDTH + GAP)
        parts += [text(left, TOP - 12, panel.title, "o"), *bars(panel, names, left, colours)]
    note = "Bars are medians; thin lines lead from the least to the greatest round."
    return "\n".join([*parts, text(MARGIN, height - 14, note), "</svg>\n"])


def bars(panel: Panel, names: Sequence[str], left: float, colours: Mapping[str, str]) -> list[str]:
    """Draw the bars of one panel, which has a scale of its own."""
    scale = (PANEL_WIDTH - LABEL_WIDTH) / max((max(values) for values in panel.values.values()), default=1)
    parts = []
    for number, name in enumerate(names):
        line = line_of(number)
        if name not in panel.values:
            parts.append(text(left, line, "-"))
            continue
        values, middle = panel.values[name], line - 4.5
        length, ends = statistics.median(values) * scale, [left + value * scale for value in (min(values), max(values))]
        colour = colours["ours" if kind(name) else "other"]
        parts += [
            f'  <rect x="{left}" y="{middle - BAR / 2}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>',
            f'  <path d="M{ends[0]:.1f} {middle}H{ends[1]:.1f}" stroke="{colours["range"]}"/>',
            text(round(max(left + length, ends[1]) + 5, 1), line, panel.form.format(statistics.median(values))),
        ]
    return parts


def line_of(number: int) -> float:
    return TOP + ROW * number + 18


def kind(name: str) -> str:
    """Return the class of the text that names one of our own servers."""
    return "o" if name.startswith(OURS) else ""


def text(left: float, line: float, words: str, style: str = "") -> str:
    chosen = f' class="{style}"' if style else ""
    return f'  <text x="{left}" y="{line}"{chosen}>{escape(words)}</text>'
