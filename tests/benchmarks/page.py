"""Write the tables of docs/benchmarks.md and its pictures from the saved results.

python tests/benchmarks/page.py
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import plots
from generators import GENERATE
from limits import limits
from peers import PEERS
from questions import CASES, Case
from results import CONNECTIONS, Load, Rebuild, Results, read, spelt

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
DOCS = HERE.parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"
PICTURES = DOCS / "pictures"
BUSY = 0.1  # of the processors
EN_DASH = "\N{EN DASH}"
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def tables(results: Results) -> dict[str, str]:
    """Return the tables by the names that the page has for their places."""
    return {
        "machine": machine_table(results),
        "noise": noise(results),
        **{case.name: case_table(results, case) for case in CASES.values()},
        "needs": needs_table(results),
        "generate": generators_table(results),
        "limits": limits_table(results),
    }


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    numeric = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, numeric, *rows))


def is_empty(table: str) -> bool:
    """Return whether a table has only its head."""
    return table.startswith("|") and len(table.splitlines()) == 2


def machine_table(results: Results) -> str:
    rows = [*results.machine.items(), *((f"`{name}`", found) for name, found in sorted(results.versions.items()))]
    return markdown(("what", "value"), rows)


def noise(results: Results) -> str:
    """Say how much other work there was, which slows some rounds more than others."""
    others = [share for load in results.loads for share in load.others]
    spreads = [(max(load.rates) - min(load.rates)) / statistics.median(load.rates) for load in results.loads]
    if not others:
        return "Nothing was loaded."
    busy = "**The machine was busy with other work: trust no figure.** " if statistics.median(others) > BUSY else ""
    return (
        f"{busy}Each number is the median of {results.rounds} loads of {results.seconds} s. Programs that the "
        f"benchmark had not started took {statistics.median(others):.0%} of the processors at the median of all "
        f"{len(others)} loads, and {max(others):.0%} at most. From the slowest to the fastest round, rates differ by "
        f"{statistics.median(spreads):.0%} of their median (the median of all {len(spreads)} rates; the greatest is "
        f"{max(spreads):.0%})."
    )


def servers(results: Results) -> list[str]:
    """Return the names of all servers, those that only this run had at the end."""
    return list(dict.fromkeys([*PEERS, *(load.server for load in results.loads)]))


def case_table(results: Results, case: Case) -> str:
    """Return the rates and latencies of a case, the fastest at the most connections first."""
    found = {name: [results.load(name, case.name, count) for count in CONNECTIONS] for name in servers(results)}
    there = sorted((name for name in found if any(found[name])), key=lambda name: last_rate(found[name]), reverse=True)
    rows = [
        [name, *map(rate, found[name]), latencies(found[name], "p50s"), latencies(found[name], "p99s")]
        for name in there
    ]
    for name in PEERS:
        reason = results.failed(name, case.name) if case.name in PEERS[name].spellings else ""
        rows += [[name, cell(reason), *[""] * (len(CONNECTIONS) + 1)]] if reason and name not in there else []
    return markdown(["server", *map(spelt, CONNECTIONS), "p50, ms", "p99, ms"], rows)


def cell(reason: str) -> str:
    """Return a reason as one cell of a table."""
    return f"no figures: {reason.replace('|', '/').replace('<', '&lt;')}"


def last_rate(loads: Sequence[Load | None]) -> float:
    return next((statistics.median(load.rates) for load in reversed(loads) if load), 0)


def rate(load: Load | None) -> str:
    return spread(load.rates, "{:,.0f}") if load else "-"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median, and the least and the greatest value."""
    middle, *ends = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({EN_DASH.join(ends)})"


def latencies(loads: Sequence[Load | None], figure: str) -> str:
    return " / ".join(f"{statistics.median(getattr(load, figure)):.2f}" if load else "-" for load in loads)


def needs_table(results: Results) -> str:
    rows = []
    for name in servers(results):
        echo, ridge = (results.cost(name, case) for case in ("echo", "ridge"))
        if echo or ridge:
            starts = [spread(it.starts, "{:.2f}") if it and it.starts else "-" for it in (echo, ridge)]
            memory = [
                spread(values, "{:,.0f}") if values else "-"
                for values in ((ridge.resident, ridge.proportional) if ridge else ([], []))
            ]
            rows.append([name, *starts, *memory])
    head = ["server", "start in s, echo", "start in s, ridge", "MiB, ridge", "MiB, shared pages once"]
    return markdown(head, rows)


def generators_table(results: Results) -> str:
    rows = [
        [
            f"`{it.name}`",
            spread(it.seconds, "{:.2f}"),
            f"{files(it.files)}, {mib(it.size)}",
            "yes" if it.is_same else "no",
            again(it.edit),
            again(it.retrain),
        ]
        for it in results.generated
    ]
    rows += [[f"`{it.server}`", cell(it.reason), "", "", "", ""] for it in results.failures if it.case == GENERATE]
    head = [
        "command",
        "seconds",
        "context",
        "same bytes twice",
        "again after an edit of the code",
        "again after a new model",
    ]
    return markdown(head, rows)


def again(it: Rebuild) -> str:
    """Say what changes in a context, and what a builder does again."""
    return (
        f"{files(it.changed_files)} of {mib(it.changed_bytes)}; {it.steps} of {it.all_steps} steps, "
        f"which copy {mib(it.copied_bytes)} and install {'all' if it.installs else 'no'} packages"
    )


def files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"


def mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB" if size >= 1 << 20 else f"{size / (1 << 10):.1f} KiB"


def limits_table(results: Results) -> str:
    rows = [
        [
            limit.says,
            f"{limit.found:.2f}",
            f"at least {limit.least:g}" if limit.least else f"at most {limit.most:g}",
            "met" if limit.is_kept else "**missed**",
        ]
        for limit in limits(results)
    ]
    return markdown(["what", "found", "limit", ""], rows)


def filled(page: str, results: Results) -> str:
    """Return a page with the tables of these results in their places."""
    found = tables(results)
    return BLOCK.sub(lambda place: f"{place[1]}\n{found[place[2]]}\n\n{place[3]}", page)


def write(results: Results) -> None:
    """Write the page's tables and its pictures anew."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    for name, svg in plots.pictures(results).items():
        (PICTURES / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    write(read(RESULTS))
    sys.exit()
