"""Measure our server and those of others: the same models, one worker each, on loopback, loaded with wrk.

    python tests/benchmarks/bench_peers.py [--cases echo ridge rows raw] [--peers NAME ...] [--connections 1 8 64]
        [--rounds 5] [--seconds 1] [--output FOLDER] [--record]

It installs every server into an environment of its own, under .tox/benchmarks, with the Python that runs it: MLServer
needs 3.11 or 3.12. All servers of a case run at once, but all except the one under load are halted. Every round loads
each of them once with each number of connections; each server is asked one question first, and must answer it rightly.
It prints the medians with their spread, writes results.json and pictures into FOLDER, and with --record into the
repository, where docs/benchmarks.md shows them. The exit status is 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import page
import plots
from cases import CASES
from environments import NotInstalledError, install, version
from machine import described
from measure import judge
from peers import ENVIRONMENTS, PEERS, REPOSITORY, Peer
from results import CONNECTIONS, Results, limits, save
from rounds import Rounds

WORK = REPOSITORY / ".tox/benchmarks"
ENVIRONMENTS_ROOT = WORK / "environments"


def main() -> int:
    """Measure everything that is asked for, and return 1 if a limit is missed."""
    options = parsed()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the servers are stopped
    results = Results(machine=described(), versions={}, rounds=options.rounds, seconds=options.seconds)
    installed(options.peers, results)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as folder:
        measure = Rounds(environments=ENVIRONMENTS_ROOT, folder=Path(folder), results=results)
        for case in options.cases:
            measure.loads(case, options.peers, options.connections)
        for case in options.cases:
            measure.starts(case, options.peers)
    results.machine["took"] = f"{time.monotonic() - begun:.0f} s"
    publish(results, options.output, record=options.record)
    return judge(limits(results))


def publish(results: Results, output: Path, *, record: bool) -> None:
    """Print the tables, and save them, the figures and the plots."""
    output.mkdir(parents=True, exist_ok=True)
    save(results, output / "results.json")
    tables = "\n\n".join(page.tables(results).values())
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
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--connections", nargs="+", type=int, default=list(CONNECTIONS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--output", type=Path, default=WORK / "results", metavar="FOLDER")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md anew from this run")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk loads the servers, and is not on PATH: install it, for example with `apt-get install wrk`")
    options.cases = [CASES[name] for name in options.cases]
    options.peers = [PEERS[name] for name in options.peers]
    return options


def installed(peers: list[Peer], results: Results) -> None:
    """Install the environments of the servers, and note their versions or why there are none."""
    reasons: dict[str, str] = {}
    for name in dict.fromkeys(name for peer in peers for name in (peer.front, peer.environment) if name):
        try:
            results.versions[ENVIRONMENTS[name].distribution] = version(name, install(name, ENVIRONMENTS_ROOT))
        except NotInstalledError as error:
            reasons[name] = f"cannot be installed: {error}"
    for peer in peers:
        reason = reasons.get(peer.environment) or reasons.get(peer.front)
        if reason:
            results.fail(peer.name, "", reason)


if __name__ == "__main__":
    sys.exit(main())
