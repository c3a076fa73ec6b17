"""Hold what was measured, save and read it as JSON, and judge it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OURS, AZURE, MOSEC, BARE = "hatch-mlpackage", "azmlinfsrv", "mosec", "uvicorn alone"
BATCHING, MSGSPEC, MOSEC_BATCHING = f"{OURS} with batching", f"{OURS} with msgspec", f"{MOSEC} with batching"
CONNECTIONS = (1, 8, 64)
FOLDERS = re.compile(r"(?<![\w:/.])/(?:[\w.+-]+/)+")


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
    """Hold what a change of one file changes in a context, and what a builder does again: see rebuilds.rebuild()."""

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


def spelt(connections: int) -> str:
    return f"{connections} connection{'s' if connections > 1 else ''}"
