"""Run one server: start it, wait for its first right answer, halt and resume it, and weigh its processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import ROOT, models_of, python_of
from places import APPS, REPOSITORY
from processes import free_ports, kill, members, stop
from questions import Case, agrees, right_answer

if TYPE_CHECKING:
    from peers import Peer

PATIENCE = 90  # seconds until the first right answer
PAUSE = 0.005


class NotServedError(Exception):
    """Say why a server does not answer rightly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """Hold a server that has answered rightly, and the seconds that it took to."""

    port: int
    pid: int
    ready: float

    def halt(self) -> None:
        """Halt all processes of the server, so that it takes no time from another one."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in members(self.pid):
            kill(pid, number)


def stop_on_signals() -> None:
    """Make Ctrl-C and SIGTERM end this program by an exception, so that it stops every server.

    A shell makes programs in the background ignore Ctrl-C.
    """
    for chosen in (signal.SIGINT, signal.SIGTERM):
        signal.signal(chosen, lambda number, frame: sys.exit(128 + number))


@contextlib.contextmanager
def serving(peer: Peer, case: Case, folder: Path) -> Iterator[Served]:
    """Run a server with one worker and one thread for linear algebra."""
    ports = free_ports(3)
    home = ROOT / peer.environment
    values = {
        "python": python_of(home),
        "bin": home / "bin",
        "front": python_of(ROOT / peer.front) if peer.front else "",
        "models": models_of(home),
        "apps": APPS,
        "repository": REPOSITORY,
        "program": case.program,
        "port": ports[0],
        "second_port": ports[1],
        "third_port": ports[2],
    }
    command = shlex.split(peer.command.format_map(values))
    variables = {name: value.format_map(values) for name, value in peer.variables.items()}
    log = folder / f"{peer.name} {case.name}.log"
    with log.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=APPS,
            env=surroundings(case, models_of(home), home, folder) | variables,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_until_right(process, ports[0], peer, case, models_of(home), log)
        yield Served(port=ports[0], pid=process.pid, ready=time.perf_counter() - start)
    finally:
        stop(process)


def surroundings(case: Case, models: Path, home: Path, folder: Path) -> dict[str, str]:
    """Return the same variables for every server."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        **one_thread,
        "AML_APP_ROOT": str(APPS),
        "BENCH_MODELS": str(models),
        "BENCH_PROGRAM": case.program,
        "HOME": str(folder),
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }


def wait_until_right(
    process: subprocess.Popen[bytes], port: int, peer: Peer, case: Case, models: Path, log: Path
) -> None:
    """Ask until the answer is right; raise NotServedError if the server ends, or answers wrongly to the end."""
    expected, end, last = right_answer(case, models), time.monotonic() + PATIENCE, "no answer"
    while process.poll() is None and time.monotonic() < end:
        try:
            status, body = ask(port, peer, case)
        except (OSError, http.client.HTTPException):
            time.sleep(PAUSE)
            continue
        if status == http.client.OK and right(peer, case, body, expected):
            return
        last = f"{status} {body[:300]!r}"
        time.sleep(PAUSE)
    ended = f"it ended with status {process.returncode}; " if process.poll() is not None else ""
    told = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-300:]
    raise NotServedError(f"{ended}its last answer: {last}; its log ends with: {told}")


def right(peer: Peer, case: Case, body: bytes, expected: Any) -> bool:
    try:
        return agrees(peer.spellings[case.name].value(body), expected)
    except (ValueError, LookupError, TypeError):
        return False


def ask(port: int, peer: Peer, case: Case, patience: float = 10) -> tuple[int, bytes]:
    """Send one request and return its status and its body."""
    spelling = peer.spellings[case.name]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    with contextlib.closing(connection):
        connection.request("POST", spelling.path, spelling.body(case.question), {"Content-Type": spelling.content_type})
        answer = connection.getresponse()
        return answer.status, answer.read()
