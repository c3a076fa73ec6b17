"""Measure the servers in alternating rounds: rates, latencies, memory and starts."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from processes import busy_seconds, memory, processor_seconds
from results import Cost, Load, Results
from serving import NotServedError, Served, serving
from wrk import LoadError, Measured, NoAnswerError, load, write_script

if TYPE_CHECKING:
    from peers import Peer
    from questions import Case

PATIENCE = 10  # times the seconds of a load, for servers that answer nothing meanwhile


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """Hold a halted server with its script for wrk."""

    served: Served
    script: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounds:
    """Measure into `results`, with the servers' logs in `folder`."""

    folder: Path
    results: Results

    def loads(self, case: Case, peers: list[Peer], connections: list[int]) -> None:
        """Load all servers of a case in turn; all but the one under load are halted."""
        print(f"\n{case.title}", flush=True)
        with ExitStack() as stack:
            running: dict[str, Running] = {}
            for peer in self._able(peers, case):
                try:
                    running[peer.name] = stack.enter_context(self._halted(peer, case))
                except (NotServedError, LoadError) as error:
                    self.results.fail(peer.name, case.name, str(error))
            for number in range(self.results.rounds):
                for count in connections:
                    for name in turned(list(running), number):
                        self._load(running, name, case, count)
                for name, it in running.items():
                    self._weigh(it, name, case)

    def starts(self, case: Case, peers: list[Peer]) -> None:
        """Start each server alone, in turn, until its first right answer."""
        able = [peer for peer in self._able(peers, case) if case.name in peer.starts]
        for number in range(self.results.rounds if able else 0):
            for peer in turned(able, number):
                if self.results.failed(peer.name, case.name):
                    continue
                try:
                    with serving(peer, case, self.folder) as served:
                        self._cost(peer.name, case).starts.append(served.ready)
                except NotServedError as error:
                    self.results.fail(peer.name, case.name, str(error))

    def _able(self, peers: list[Peer], case: Case) -> list[Peer]:
        failed = self.results.failed
        return [peer for peer in peers if case.name in peer.spellings and not failed(peer.name, case.name)]

    @contextmanager
    def _halted(self, peer: Peer, case: Case) -> Iterator[Running]:
        """Start a server, warm it up, and halt it."""
        spelling = peer.spellings[case.name]
        with serving(peer, case, self.folder) as served:
            script = write_script(
                self.folder / peer.name, spelling.path, spelling.body(case.question), spelling.content_type
            )
            load(served.port, script, connections=8, seconds=1)
            served.halt()
            yield Running(served=served, script=script)

    def _load(self, running: dict[str, Running], name: str, case: Case, connections: int) -> None:
        it, found = running[name], self.results.load(name, case.name, connections)
        if found is None:
            found = Load(server=name, case=case.name, connections=connections)
            self.results.loads.append(found)
        try:
            measured, others = loaded(it, connections, self.results.seconds)
        except LoadError as error:
            del running[name]
            self.results.fail(name, case.name, f"{connections} connections: {error}")
            return
        found.rates.append(measured.rate)
        found.p50s.append(measured.p50)
        found.p99s.append(measured.p99)
        found.others.append(others)

    def _weigh(self, it: Running, name: str, case: Case) -> None:
        cost, found = self._cost(name, case), memory(it.served.pid)
        cost.resident.append(found.resident)
        cost.proportional.append(found.proportional)
        cost.first.append(found.first)

    def _cost(self, name: str, case: Case) -> Cost:
        cost = self.results.cost(name, case.name)
        if cost is None:
            cost = Cost(server=name, case=case.name)
            self.results.costs.append(cost)
        return cost


def turned(items: list, number: int) -> list:
    """Return the items so that another one is first in every round."""
    start = number % len(items) if items else 0
    return items[start:] + items[:start]


def loaded(it: Running, connections: int, seconds: int) -> tuple[Measured, float]:
    """Load a server, and return what was measured and the share of the processors that other work took meanwhile."""
    it.served.resume()
    try:
        clock, busy, ours = time.monotonic(), busy_seconds(), known_seconds(it.served.pid)
        measured = patient_load(it, connections, seconds)
        others = busy_seconds() - busy - (known_seconds(it.served.pid) - ours)
        return measured, max(0.0, others / (time.monotonic() - clock) / (os.cpu_count() or 1))
    finally:
        it.served.halt()


def patient_load(it: Running, connections: int, seconds: int) -> Measured:
    """Load a server, and for longer if it answers nothing in that time."""
    try:
        return load(it.served.port, it.script, connections=connections, seconds=seconds)
    except NoAnswerError:
        return load(it.served.port, it.script, connections=connections, seconds=PATIENCE * seconds)


def known_seconds(pid: int) -> float:
    """Return the processor time of a server, of this program and of the loads that it has run."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return processor_seconds(pid) + sum(usage.ru_utime + usage.ru_stime for usage in usages)
