"""Measures a server from outside while something goes on: how long probes take, memory, and honest requests."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
HONEST = "127.0.0.99"  # the address of the honest client, which shares no limit with an attacker
PATIENCE = 30.0
PAUSE = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The times of probes in milliseconds, peaks of memory in MiB, and the honest requests by their outcome."""

    p50: float
    p99: float
    most: float
    server_mb: float
    worker_mb: float
    honest: Counter[str]

    @property
    def lost(self) -> int:
        return self.honest.total() - self.honest["200"]

    def __str__(self) -> str:
        memory = f"{self.server_mb:7.1f} {self.worker_mb:7.1f} MiB"
        return (
            f"{self.p50:7.1f} {self.p99:7.1f} {self.most:7.1f} ms {memory} {self.lost:4d} lost of {self.honest.total()}"
        )


class Watch:
    """Probes a server and asks it for honest scores, each in a thread of its own, as long as the `with` block runs."""

    def __init__(self, port: int, pid: int, body: bytes = b"honest", source: str = HONEST) -> None:
        self._port = port
        self._pid = pid
        self._body = body
        self._source = source
        self._on = True
        self._times: list[float] = []
        self._peaks = {"server": 0.0, "worker": 0.0}
        self._honest: Counter[str] = Counter()
        self._threads = [threading.Thread(target=work) for work in (self._probe, self._score)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on = False
        for thread in self._threads:
            thread.join()

    @property
    def figures(self) -> Figures:
        times = sorted(self._times)
        return Figures(
            p50=statistics.median(times),
            p99=times[int(len(times) * 0.99)],
            most=times[-1],
            server_mb=self._peaks["server"],
            worker_mb=self._peaks["worker"],
            honest=self._honest,
        )

    def _probe(self) -> None:
        """Ask for `/` on new connections and on a kept one in turn; a probe that fails took for ever."""
        kept = self._connection()
        while self._on:
            new = self._connection()
            for connection in (new, kept):
                began = time.perf_counter()
                try:
                    status = asked(connection, "GET", "/")
                except (OSError, HTTPException):
                    status = 0
                    connection.close()
                self._times.append((time.perf_counter() - began) * 1000 if status == 200 else float("inf"))
            new.close()
            self._note_memory()
            time.sleep(PAUSE)
        kept.close()

    def _score(self) -> None:
        connection = self._connection()
        while self._on:
            try:
                outcome = str(asked(connection, "POST", "/score", self._body))
            except (OSError, HTTPException) as error:
                outcome = type(error).__name__
                connection.close()
            self._honest[outcome] += 1
            time.sleep(PAUSE)
        connection.close()

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE, source_address=(self._source, 0))

    def _note_memory(self) -> None:
        for name, pids in (("server", [self._pid]), ("worker", children(self._pid))):
            sizes = [peak_mb(pid) + sum(memory_files(pid)) / 2**20 for pid in pids]
            self._peaks[name] = max([self._peaks[name], *sizes])


def asked(connection: HTTPConnection, method: str, path: str, body: bytes | None = None) -> int:
    """Send a request, read the whole answer and return its status."""
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    response.read()
    return response.status


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not ended; none if it has ended itself."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def peak_mb(pid: int) -> float:
    return _status_mb(pid, "VmHWM")


def resident_mb(pid: int) -> float:
    return _status_mb(pid, "VmRSS")


def memory_files(pid: int) -> list[int]:
    """Return the sizes of the files with bodies that a process has open in memory, in bytes."""
    sizes: list[int] = []
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # it is closed in the meantime
                if str(link.readlink()).startswith("/memfd:mlpackage-body"):
                    sizes.append(link.stat().st_size)
    return sizes


def held_mb(pid: int) -> float:
    """Return what a process holds in MiB: its resident memory, and files in memory, which no process counts as its."""
    return resident_mb(pid) + sum(memory_files(pid)) / 2**20


def _status_mb(pid: int, name: str) -> float:
    """Return a size of a process from its status in MiB, 0 for a process that has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def forget_peaks(pid: int) -> None:
    """Make the peaks of a server and of its workers begin anew."""
    for one in (pid, *children(pid)):
        with contextlib.suppress(OSError):
            Path(f"/proc/{one}/clear_refs").write_text("5", encoding="ascii")


@contextlib.contextmanager
def program(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program that lies beside this one, and kill it where the block ends early."""
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def attacked(port: int, pid: int, name: str, seconds: float, body: bytes = b"honest") -> tuple[Figures, dict[str, int]]:
    """Attack a server and return what was measured meanwhile, and what the attack got."""
    forget_peaks(pid)
    with Watch(port, pid, body) as watch, program("attacks.py", name, port, seconds) as attack:
        said, _ = attack.communicate(timeout=seconds + PATIENCE)
    return watch.figures, json.loads(said)


def loaded(port: int, seconds: float, act: Callable[[], None]) -> Counter[str]:
    """Act on a server that has been under load for a second; return the answers to the load by status."""
    with program("load.py", port, seconds) as load:
        time.sleep(1)
        act()
        said, _ = load.communicate(timeout=seconds + 2 * PATIENCE)
    return Counter(json.loads(said))


def connected(port: int, source: str = HONEST) -> socket.socket:
    """Return a new connection from an address."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))
