"""Measure our server and those of others: the same models, one worker each, on loopback, loaded with wrk.

    python tests/benchmarks/bench_peers.py [--cases echo ridge rows raw generate] [--peers NAME ...]
        [--connections 1 8 64] [--rounds 5] [--seconds 1] [--output FOLDER]
        [--old RUNTIME] [--record]

It installs every server into an environment of its own, under .tox/benchmarks, with the Python that runs it: MLServer
needs 3.11 or 3.12. All servers of a case run at once, but all except the one under load are halted. Every round loads
each of them once with each number of connections; each server is asked one question first, and must answer it rightly.
The case `generate` compares what writes build contexts.

The benchmark prints the medians with their spread, and saves figures, tables and plots in FOLDER. With --record it
also writes results.json beside this program, and docs/benchmarks.md with its pictures from that. The exit status is 1
if a limit is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import page
import plots
from environments import ENVIRONMENTS, NotInstalledError, install, version
from generators import GENERATE, GENERATORS, Generator, generate
from limits import limits
from machine import described
from measure import judge
from peers import PEERS, Peer, of_another_version
from places import REPOSITORY
from questions import CASES
from results import CONNECTIONS, Results, read, save
from rounds import Rounds
from serving import stop_on_signals

OUTPUT = REPOSITORY / ".tox/benchmarks/results"


def main() -> int:
    """Measure everything that is asked for, and return 1 if a limit is missed."""
    options = parsed()
    stop_on_signals()
    results = Results(machine=described(), versions={}, rounds=options.rounds, seconds=options.seconds)
    cases = [CASES[name] for name in options.cases if name in CASES]
    generators = GENERATORS if GENERATE in options.cases else ()
    installed(options.peers, generators, results)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as folder:
        measure = Rounds(folder=Path(folder), results=results)
        for case in cases:
            measure.loads(case, options.peers, options.connections)
        for case in cases:
            measure.starts(case, options.peers)
        if generators:
            generate(results, Path(folder))
    results.machine["took"] = f"{time.monotonic() - begun:.0f} s"
    publish(results, options.output, record=options.record)
    return judge(limits(results))


def publish(results: Results, output: Path, *, record: bool) -> None:
    """Print the tables, and save them, the figures and the plots."""
    output.mkdir(parents=True, exist_ok=True)
    save(results, output / "results.json")
    results = read(output / "results.json")  # as it is saved, with fewer digits
    found = page.tables(results)
    tables = "\n\n".join(found[name] for name in found if name != "limits" and not page.is_empty(found[name]))
    (output / "tables.md").write_text(f"{tables}\n", encoding="utf-8")
    for name, svg in plots.pictures(results).items():
        (output / name).write_text(svg, encoding="utf-8")
    print(f"\n{tables}\n\nsaved in {output}")
    if record:
        save(results, page.RESULTS)
        page.write(results)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS), metavar="NAME")
    parser.add_argument("--cases", nargs="+", default=[*CASES, GENERATE], choices=[*CASES, GENERATE])
    parser.add_argument("--connections", nargs="+", type=int, default=list(CONNECTIONS), choices=CONNECTIONS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER")
    parser.add_argument("--old", type=Path, metavar="RUNTIME", help="also measure the runtime of another checkout")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md anew from this run")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk loads the servers, and is not on PATH: install it, for example with `apt-get install wrk`")
    if options.record and not all(
        (
            options.peers == list(PEERS),
            options.cases == [*CASES, GENERATE],
            options.connections == list(CONNECTIONS),
            options.old is None,
        )
    ):
        parser.error("--record writes the page as it is: leave --peers, --cases, --connections and --old out")
    old = [of_another_version(options.old.resolve())] if options.old else []
    options.peers = [*(PEERS[name] for name in options.peers), *old]
    return options


def installed(peers: Sequence[Peer], generators: Sequence[Generator], results: Results) -> None:
    """Install every environment that is needed, and note its version, or which figures there are not without it."""
    needs = {(peer.name, ""): (peer.front, peer.environment) for peer in peers}
    needs |= {(generator.name, GENERATE): (generator.environment,) for generator in generators}
    reasons: dict[str, str] = {}
    for name in dict.fromkeys(name for names in needs.values() for name in names if name):
        try:
            results.versions[ENVIRONMENTS[name].distribution] = version(name, install(name))
        except NotInstalledError as error:
            reasons[name] = f"cannot be installed: {error}"
    for (server, case), names in needs.items():
        for name in set(names) & set(reasons):
            results.fail(server, case, reasons[name])


if __name__ == "__main__":
    sys.exit(main())
