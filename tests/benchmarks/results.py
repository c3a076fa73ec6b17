"""Hold what was measured, save and read it as JSON, and judge it."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from measure import Limit

OURS, AZURE, MOSEC, BARE = "hatch-mlpackage", "azmlinfsrv", "mosec", "uvicorn alone"
BATCHING, MSGSPEC, MOSEC_BATCHING = f"{OURS} with batching", f"{OURS} with msgspec", f"{MOSEC} with batching"
CONNECTIONS = (1, 8, 64)
MOST_FRONT = 45  # MB
MB_IN_MIB = (1 << 20) / 1e6
FOLDERS = re.compile(r"(?<![\w:/.])/(?:[\w.+-]+/)+")
# How many times the rate of another server ours must have at least, at 1, 8 and 64 connections.
LEAST = (
    ("echo", OURS, AZURE, (3, 14, 14)),
    ("echo", OURS, MOSEC, (1.2, 4, 5)),
    ("echo", OURS, BARE, (0.6, 0.95, 1)),
    ("ridge", OURS, AZURE, (2.5, 5, 5)),
    ("ridge", OURS, MOSEC, (1.2, 1.6, 1.6)),
    ("ridge", BATCHING, AZURE, (2.5, 12, 20)),
    ("ridge", BATCHING, MOSEC_BATCHING, (8, 5, 1.2)),
    ("ridge", BATCHING, OURS, (0.95, 0, 0)),
    ("rows", OURS, AZURE, (2, 2, 2)),
    ("rows", MSGSPEC, AZURE, (3.5, 3.5, 3.5)),
)
# How many times the start of the original server ours may take at most.
MOST_START = {"ridge": 0.75, "echo": 0.4}


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Hold one value of each round: requests per second, latencies in milliseconds, and other work on the machine.

    `others` is the processor time that neither the server nor wrk took, as a share of all processors.
    """

    server: str
    case: str
    connections: int
    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Hold the seconds of each start, and MiB after each round's load: see processes.Memory."""

    server: str
    case: str
    starts: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    proportional: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Say why there are no figures of a server; without a case, of none of its cases."""

    server: str
    case: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuild:
    """Hold what a change of one file changes in a context, and what a builder does again: see generators.rebuild()."""

    changed_files: int
    changed_bytes: int
    steps: int
    all_steps: int
    copied_bytes: int
    installs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """Hold the seconds of each round that a generator took, and what its context is like."""

    name: str
    seconds: list[float]
    size: int
    files: int
    is_same: bool
    edit: Rebuild
    retrain: Rebuild


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Hold all that a run measured, on which machine, with which versions."""

    rounds: int
    seconds: int
    machine: dict[str, str]
    versions: dict[str, str]
    loads: list[Load] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    generated: list[Generated] = field(default_factory=list)

    def load(self, server: str, case: str, connections: int) -> Load | None:
        """Return the rounds of a server, or None if there are none."""
        wanted = (server, case, connections)
        return next((it for it in self.loads if (it.server, it.case, it.connections) == wanted), None)

    def cost(self, server: str, case: str) -> Cost | None:
        return next((it for it in self.costs if (it.server, it.case) == (server, case)), None)

    def failed(self, server: str, case: str) -> str:
        """Return the reason why there are no figures, or an empty text."""
        return next((it.reason for it in self.failures if it.server == server and it.case in {"", case}), "")

    def fail(self, server: str, case: str, reason: str) -> None:
        """Note why there are no figures, without this machine's folders, and forget those of earlier rounds."""
        reason = FOLDERS.sub("", reason)
        print(f"{server} {case}: {reason}", flush=True)
        self.failures.append(Failure(server=server, case=case, reason=reason))
        self.loads[:] = [it for it in self.loads if (it.server, it.case) != (server, case)]
        self.costs[:] = [it for it in self.costs if (it.server, it.case) != (server, case)]


def save(results: Results, path: Path) -> None:
    """Write results as JSON, with a line for each thing that was measured."""
    parts = [f"{json.dumps(name)}: {lines(value)}" for name, value in rounded(asdict(results)).items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def lines(value: Any) -> str:
    """Return a value as JSON, each item of a list on its own line."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
    return json.dumps(value)


def rounded(value: Any) -> Any:
    """Return a value whose floats have four digits, enough for any figure here."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def read(path: Path) -> Results:
    found = json.loads(path.read_text(encoding="utf-8"))
    return Results(
        rounds=found["rounds"],
        seconds=found["seconds"],
        machine=found["machine"],
        versions=found["versions"],
        loads=[Load(**it) for it in found["loads"]],
        costs=[Cost(**it) for it in found["costs"]],
        failures=[Failure(**it) for it in found["failures"]],
        generated=[
            Generated(**{**it, "edit": Rebuild(**it["edit"]), "retrain": Rebuild(**it["retrain"])})
            for it in found["generated"]
        ],
    )


def limits(results: Results) -> Iterator[Limit]:
    """Yield the limits of every pair of servers that the run had; a pair without figures misses its limits."""
    for case, server, other, leasts in LEAST:
        for connections, least in zip(CONNECTIONS, leasts, strict=True):
            mine, theirs = (results.load(name, case, connections) for name in (server, other))
            says = f"{case}, {spelt(connections)}: {server}, times {other}"
            if least and is_asked(results, case, connections, server, other):
                yield Limit(says=says, found=quotient(mine and mine.rates, theirs and theirs.rates), least=least)
    mine, theirs = (results.load(name, "ridge", CONNECTIONS[-1]) for name in (BATCHING, OURS))
    if is_asked(results, "ridge", CONNECTIONS[-1], BATCHING, OURS):
        found = quotient(mine and mine.p99s, theirs and theirs.p99s)
        yield Limit(says=f"ridge, {spelt(CONNECTIONS[-1])}: p99 with batching, times without", found=found, most=1)
    yield from cost_limits(results)


def cost_limits(results: Results) -> Iterator[Limit]:
    for case, most in MOST_START.items():
        mine, theirs = (results.cost(name, case) for name in (OURS, AZURE))
        if mine and theirs:
            found = quotient(mine.starts, theirs.starts)
            yield Limit(says=f"{case}: start of {OURS}, times {AZURE}", found=found, most=most)
    for cost in results.costs:
        if cost.server == OURS and cost.case == "ridge":
            found = quotient(cost.first, [1]) * MB_IN_MIB
            yield Limit(says="MB of our server's process", found=found, most=MOST_FRONT)


def is_asked(results: Results, case: str, connections: int, *servers: str) -> bool:
    """Return whether a run measured these servers, or tried to."""
    return all(results.load(server, case, connections) or results.failed(server, case) for server in servers)


def quotient(mine: list[float] | None, theirs: list[float] | None) -> float:
    """Return the ratio of two medians; NaN, which no limit allows, if one of them was not measured."""
    return statistics.median(mine) / statistics.median(theirs) if mine and theirs else math.nan


def spelt(connections: int) -> str:
    return f"{connections} connection{'s' if connections > 1 else ''}"
