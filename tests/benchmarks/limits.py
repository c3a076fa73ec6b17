"""Judge results by the limits that the project holds itself to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from measure import Limit
from results import AZURE, BARE, BATCHING, CONNECTIONS, MOSEC, MOSEC_BATCHING, MSGSPEC, OURS, Results, spelt

MOST_FRONT = 45  # MB
MB_IN_MIB = (1 << 20) / 1e6
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
