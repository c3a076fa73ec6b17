"""Measure what more workers give and need, and how long callers wait when one is killed.

    python tests/benchmarks/bench_workers.py [--rounds 5] [--seconds 2]

It uses the environments of bench_peers.py, which installs them first if need be. The exit status is 1 if a limit is
missed.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from environments import install
from limits import quotient
from machine import described
from measure import Limit, judge
from peers import PEERS, Peer
from processes import members, memory, stat
from questions import CASES, ECHO, Case
from results import OURS, Results
from rounds import Rounds
from serving import Served, ask, serving, stop_on_signals
from wrk import write_script

CONNECTIONS = 8
BUSY = Case(name="busy", program="busy", title="a run() that computes for a millisecond", question=ECHO)
ARRAY = Case(name="weights", program="weights", title="a model of 500 MB", question=ECHO)
KILLS = 5
RECOVERY = 3  # seconds from one kill to the next


def main() -> int:
    """Measure everything, and return 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    stop_on_signals()
    for name in ("server", "ours"):
        install(name)
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as folder:
        results = Results(rounds=options.rounds, seconds=options.seconds, machine=described(), versions={})
        limits = [*bench_rates(results, Path(folder)), bench_memory(Path(folder)), bench_kills(Path(folder))]
    return judge(limits)


def with_workers(count: int) -> Peer:
    """Return our server with some workers."""
    ours = PEERS[OURS]
    spellings = dict.fromkeys(("echo", "busy", "weights"), ours.spellings["echo"])
    command = ours.command.replace("--worker-count 1", f"--worker-count {count}")
    return replace(ours, name=f"{count} workers", command=command, spellings=spellings)


def bench_rates(results: Results, folder: Path) -> Iterator[Limit]:
    peers = [with_workers(count) for count in (1, 2)]
    for case, least in ((BUSY, 1.6), (CASES["echo"], 0.95)):
        Rounds(folder=folder, results=results).loads(case, peers, [CONNECTIONS])
        one, two = (results.load(peer.name, case.name, CONNECTIONS) for peer in peers)
        print(f"1 worker: {one and one.rates}; 2 workers: {two and two.rates}")
        found = quotient(two and two.rates, one and one.rates)
        yield Limit(says=f"{case.title}: rate of two workers, times one", found=found, least=least)


def bench_memory(folder: Path) -> Limit:
    """Compare the memory of four workers, with shared pages counted once, with that of one."""
    found = {}
    for count in (1, 4):
        with serving(with_workers(count), ARRAY, folder) as served:
            found[count] = memory(served.pid).proportional
    print(f"\n{ARRAY.title}: {found} MiB by the number of workers")
    return Limit(says=f"{ARRAY.title}: memory of four workers, times one", found=found[4] / found[1], most=1.5)


def bench_kills(folder: Path) -> Limit:
    """Kill the worker under load, and time the next right answer."""
    peer, waits = with_workers(1), []
    with serving(peer, CASES["echo"], folder) as served, loaded(served, peer, folder):
        for _ in range(KILLS):
            time.sleep(RECOVERY)
            os.kill(busiest_worker(served), signal.SIGKILL)
            start = time.perf_counter()
            while ask(served.port, peer, CASES["echo"])[0] != 200:
                pass
            waits.append((time.perf_counter() - start) * 1000)
    print(f"\nnext answer after a kill, ms: {[round(wait, 1) for wait in waits]}")
    return Limit(says="ms to the next answer after kill -9 of the worker", found=statistics.median(waits), most=20)


@contextmanager
def loaded(served: Served, peer: Peer, folder: Path) -> Iterator[None]:
    """Load a server in the background; requests of a killed worker may fail."""
    spelling = peer.spellings["echo"]
    script = write_script(folder / "kills", spelling.path, spelling.body(ECHO), spelling.content_type)
    seconds = KILLS * (RECOVERY + 5)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{served.port}/"]
    load = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        load.kill()
        load.wait()


def busiest_worker(served: Served) -> int:
    """Return the id of the worker that answers; a spare one has taken less time."""
    children = [pid for pid in members(served.pid) if (fields := stat(pid)) and int(fields[1]) == served.pid]
    return max(children, key=lambda pid: int(stat(pid)[11]) + int(stat(pid)[12]))


if __name__ == "__main__":
    sys.exit(main())
