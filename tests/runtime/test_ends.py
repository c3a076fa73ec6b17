"""Workers and servers that end under load, and a log that nobody reads: nothing is cut off, blocked or left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from attacks import PLAIN, SCORE, SLOWEST
from measuring import Watch, children, connected, loaded

if TYPE_CHECKING:
    from runtime_service import Start

PATIENCE = 30.0

WORKING = """
    import time

    def init():
        pass

    def run(raw_data):
        time.sleep({seconds})
        return raw_data
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_kill_under_load_costs_one_request(serve: Start, workers: str) -> None:
    """kill -9 of a worker costs the request that it was running; every request gets an answer, and probes do."""
    service = serve(WORKING.format(seconds=0.002), WORKER_COUNT=workers)
    kills = 4

    def kill() -> None:
        for number in range(kills):
            os.kill(service.worker_pids()[-1], signal.SIGKILL)
            service.wait_until(lambda least=number: len(service.worker_pids()) > int(workers) + least, "a new worker")

    with Watch(service.port, service.process.pid) as watch:
        found = loaded(service.port, 6, kill)
    honest = watch.figures.honest
    lost = honest.total() - honest["200"] + found["500"]
    assert (found.keys() - {"200", "500"}, honest.keys() - {"200", "500"}) == (set(), set())
    assert lost <= kills
    assert watch.figures.p99 < SLOWEST or workers == "1"  # the only worker's probes fail while it is replaced


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.01], ids=["quick", "slow"])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_stop_under_load_cuts_no_request(serve: Start, seconds: float, sent: signal.Signals) -> None:
    """Each request that was sent gets 200 or 503 before the server ends, on kept connections and on new ones."""
    service = serve(WORKING.format(seconds=seconds))

    def stop() -> None:
        service.wait_for_log(r"(POST /score 200)")
        service.process.send_signal(sent)

    found = loaded(service.port, PATIENCE, stop)
    assert found.keys() - {"200", "503", "refused"} == set(), found
    assert found["200"] > 0
    assert service.wait() == 0


def test_a_second_signal_ends_the_drain(serve: Start) -> None:
    """Who sends SIGTERM twice does not wait for the requests that run."""
    service = serve(WORKING.format(seconds=60))
    with connected(service.port) as connection:
        connection.sendall(SCORE)
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for_log("(Stopping)")
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.wait()
    assert time.monotonic() - began < 5


LONG = "q" * 1000  # makes the lines of the log so long that 3,000 of them are more than the server holds back


def a_socket() -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


@pytest.mark.slow
@pytest.mark.parametrize("channel", [os.pipe, a_socket], ids=["pipe", "socket"])
def test_a_log_that_nobody_reads_blocks_nothing(
    server_python: str, runtime: Path, tmp_path: Path, channel: Callable[[], tuple[int, int]]
) -> None:
    """Lines that standard error does not take are dropped, requests and probes are answered, and the loss is said."""
    (tmp_path / "score.py").write_text(PLAIN.replace("\n    ", "\n"), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server_python, "-I", str(runtime), "serve", f"--port={port}", "--host=127.0.0.1"]
    environment = {**os.environ, "AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py"}
    end, written = channel()
    with (
        os.fdopen(end, "rb", buffering=0) as log,
        subprocess.Popen(command, env=environment, stderr=written) as server,
    ):
        os.close(written)
        try:
            wait_until_healthy(port)
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(timeout=5) as client:
                statuses = Counter(client.post(f"{url}/score?{LONG}", content="x").status_code for _ in range(3000))
                assert (statuses, client.get(f"{url}/").text) == ({200: 3000}, "Healthy")
                os.set_blocking(end, False)
                limit, said = time.monotonic() + PATIENCE, b""
                while b"dropped" not in said and time.monotonic() < limit:
                    client.get(f"{url}/swagger.json")
                    said += log.read(1_000_000) or b""
            assert b"dropped" in said
        finally:
            server.kill()


def wait_until_healthy(port: int) -> None:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port}")


BUSY = {
    "idle": "pass",
    "sleeping": "time.sleep(60)",
    "spinning": "sum(range(10**11))",
    "holding the GIL": "ctypes.PyDLL(None).sleep(60)",
    "deaf": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(60)",
}


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
    return False


@pytest.mark.parametrize("way", BUSY)
def test_no_worker_outlives_its_server(serve: Start, way: str) -> None:
    """kill -9 of the server ends its workers, whatever run() does at that moment."""
    service = serve(f"import ctypes, signal, subprocess, time\ndef init(): pass\ndef run(raw_data): {BUSY[way]}\n")
    [worker] = service.worker_pids()
    with connected(service.port) as connection:
        connection.sendall(SCORE)
        time.sleep(0.5)
        processes = [worker, *children(worker)]
        service.process.kill()
        service.process.wait()
        with contextlib.suppress(AssertionError):
            service.wait_until(lambda: not any(map(is_alive, processes)), "the processes to end")
        left = [pid for pid in processes if is_alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
