"""Run the original server and ours with one script, and send the same request to both."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import mlpackage_runtime

HERE = Path(__file__).parent
RUNTIME = Path(mlpackage_runtime.__file__).parents[1]
PATIENCE = 60.0
PROCESSES = 16  # that run tests at the same time, at most
# The original may be in another environment; our worker runs there too, with the same numpy and werkzeug.
ORIGINAL_PYTHON = os.environ.get("AZMLINFSRV_PYTHON", sys.executable)
VOLATILE = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
# Ways from a connection to a worker that are not the usual one, by the settings that choose them.
WAYS = {
    "four workers, no direct path": {"WORKER_COUNT": "4", "MLPACKAGE_DIRECT_PATH": "off"},
    "batches": {"MLPACKAGE_BATCHING": "on", "MLPACKAGE_BATCHING_MAX_DELAY_MS": "20"},
}
IDS = ("x-request-id", "x-ms-request-id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """Hold a script, the variables that serve it, and the Pythons whose libraries cannot run it."""

    script: str
    variables: dict[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        return HERE / "scripts" / self.script

    @property
    def environment(self) -> dict[str, str]:
        return {"AML_APP_ROOT": str(HERE), **self.variables}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Hold a request; `differs` names the documented difference between its answers."""

    method: str
    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    differs: str

    def __str__(self) -> str:
        shown = self.body if len(self.body) < 60 else self.body[:60] + b"..."
        headers = ",".join(f"{name}:{value[:30]}" for name, value in self.headers)
        return f"{self.method} {self.path} {headers} {shown.decode('ascii', 'backslashreplace')}"


def case(method: str, path: str, body: str | bytes, differs: str, headers: dict[str, str]) -> Case:
    data = body.encode() if isinstance(body, str) else body
    return Case(method=method, path=path, body=data, headers=tuple(headers.items()), differs=differs)


def post(
    body: str | bytes = "",
    *,
    type: str = "application/json",  # noqa: A002 - reads best in the cases
    path: str = "/score",
    differs: str = "",
    **headers: str,
) -> Case:
    """Return a POST; header names are written with underscores."""
    typed = {"Content-Type": type} if type else {}
    return case("POST", path, body, differs, typed | _named(headers))


def get(path: str = "/score", *, differs: str = "", **headers: str) -> Case:
    return case("GET", path, b"", differs, _named(headers))


def call(method: str, path: str = "/score", body: str | bytes = "", *, differs: str = "", **headers: str) -> Case:
    return case(method, path, body, differs, _named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Hold an answer without the values that change from run to run."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Server:
    """Run a server process on a port of loopback."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str], log: Path) -> None:
        self.port = port
        self._log = log
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AZUREML", "AML_"))}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=HERE, env=clean | environment, stdout=output, stderr=output, start_new_session=True
            )

    def wait(self) -> None:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                if self.ask(call("GET", "/")).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self._log.read_text()}")

    def terminate(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)

    def wait_until_ended(self) -> None:
        self._process.wait(PATIENCE)

    def ask(self, asked: Case) -> Seen:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": "service.test", **dict(asked.headers)}
            if asked.body and "Transfer-Encoding" not in sent:
                sent["Content-Length"] = str(len(asked.body))
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
            if asked.body:
                chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(asked.body), asked.body)
                connection.send(chunked if "Transfer-Encoding" in sent else asked.body)
            response = connection.getresponse()
            body = response.read()
            return Seen(status=response.status, headers=_settled(asked, response.getheaders()), body=body)
        finally:
            connection.close()


def _settled(asked: Case, headers: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers sorted by name, without the values of times and of ids that the server made up."""
    given = {value for _, value in asked.headers}
    named = [(name.lower(), value) for name, value in headers]
    return tuple(sorted((name, _value(name, value, given)) for name, value in named if name not in VOLATILE))


def _value(name: str, value: str, given: set[str]) -> str:
    if name == "x-ms-run-fn-exec-ms" and value != "1":
        return "<time>"
    if name == "x-ms-server-version":
        return "<version>"
    if name == "allow":
        return ", ".join(sorted(value.split(", ")))
    return "<id>" if name in IDS and value not in given else value


def _original(setup: Setup, folder: Path, port: int) -> Server:
    command = [ORIGINAL_PYTHON, "-m", "azureml_inference_server_http", f"--entry_script={setup.path}", f"--port={port}"]
    return Server(command, port, setup.environment, folder / "original.log")


def _ours(setup: Setup, folder: Path, port: int, worker_python: str, **settings: str) -> Server:
    command = [sys.executable, "-I", str(RUNTIME), "serve", "--host=127.0.0.1", f"--worker-python={worker_python}"]
    return Server(
        [*command, f"--entry_script={setup.path}", f"--port={port}"],
        port,
        {**setup.environment, "PYTHONPATH": str(HERE / "hidden"), **settings},
        folder / f"ours-{port}.log",
    )


class Pair:
    """Run both servers with one setup, ours in other ways, and ours with a worker of each of other Pythons."""

    def __init__(self, setup: Setup, folder: Path, other_pythons: Mapping[str, str]) -> None:
        ports = _free_ports(2 + len(WAYS) + len(other_pythons))
        self.original = _original(setup, folder, ports.pop())
        self.ours = _ours(setup, folder, ports.pop(), ORIGINAL_PYTHON)
        self.ways = {
            name: _ours(setup, folder, ports.pop(), ORIGINAL_PYTHON, **settings) for name, settings in WAYS.items()
        }
        self.others = {name: _ours(setup, folder, ports.pop(), python) for name, python in other_pythons.items()}

    def __enter__(self) -> Self:
        try:
            for server in self._servers:
                server.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait_until_ended()

    @property
    def _servers(self) -> tuple[Server, ...]:
        return (self.original, self.ours, *self.ways.values(), *self.others.values())


class Pairs:
    """Keep one pair running at a time, because the cases of a setup follow each other."""

    def __init__(
        self, folder: Path, other_pythons: Mapping[str, str], wanted: Callable[[Setup], Collection[str]]
    ) -> None:
        self._folder = folder
        self._wanted = wanted
        self._other_pythons = other_pythons
        self._setup: Setup | None = None
        self._running = contextlib.ExitStack()

    def serving(self, setup: Setup) -> Pair:
        """Return both servers with a setup; reuse the running ones if they have it."""
        if setup is not self._setup:
            self.stop()
            wanted = self._wanted(setup)
            others = {name: path for name, path in self._other_pythons.items() if name in wanted}
            self._pair = self._running.enter_context(Pair(setup, self._folder, others))
            self._setup = setup
        return self._pair

    def stop(self) -> None:
        self._setup = None
        self._running.close()


def _ports() -> Iterator[int]:
    """Yield ports, each once, from below those that systems give to outgoing connections, and none of another process.

    Several processes run the tests side by side, and a port is free again between the look at it and the server's.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(range(10_000 + process, 32_000, PROCESSES))
    random.shuffle(ports)
    yield from ports


def _free_ports(count: int) -> list[int]:
    free: list[int] = []
    while len(free) < count:
        port = next(PORTS)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            free.append(port)
    return free


PORTS = _ports()
