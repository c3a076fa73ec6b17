"""Attacks from outside: meanwhile probes are answered in time, memory is bounded and no honest request is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from attacks import ANSWER, ATTACKS, HEAD, PLAIN, SHORT
from measuring import HONEST, Watch, attacked, children, loaded, resident_mb

if TYPE_CHECKING:
    from runtime_service import Service, Start

SECONDS = 2.0
SLOWEST = 250.0  # ms for 99 of 100 probes, on a machine with two processors that runs other tests meanwhile
PATIENCE = 30.0
MUCH = 64  # MiB that the server may need for what four connections send in good faith
BODIES = 40 * 10**6 / 2**20
# What the server and its worker may need more than at rest, where it is not little; in MiB.
SERVER = {"stalled-bodies": 2 * BODIES + MUCH, "non-readers": 8 * ANSWER / 2**20 + MUCH, "json": 4 * 90.0}
WORKER = {"gzip-bombs": 64.0, "non-readers": 5 * ANSWER / 2**20, "json": 4 * 90.0}
# What the attackers get, where the server can notice them.
GOT = {
    "trailers": {"431"},
    "extensions": {"431"},
    "endless-head": {"431"},
    "endless-line": {"414", "431"},
    "trickles": {"408"},
    "gzip-bombs": {"413"},
    "json-lists": {"413"},
    "json-objects": {"413"},
    "json-depth": {"400"},
    "json-depth-of-objects": {"400"},
    "nonsense": {"400"},
}


def most(bounds: dict[str, float], name: str) -> float:
    return next((bounds[key] for key in bounds if name.startswith(key)), MUCH)


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_held(serve: Start, name: str, record_property: Callable[[str, object], None]) -> None:
    """Probes are answered in time, honest requests get their answers, and memory stays within its bounds."""
    attack = ATTACKS[name]
    service = serve(attack.script, **attack.settings)
    pid = service.process.pid
    assert service.post(b'{"data": [1]}', headers={"Content-Type": "application/json"}).status_code == 200
    server, worker = resident_mb(pid), resident_mb(children(pid)[0])
    with Watch(service.port, pid) as watch:
        time.sleep(1)
    slowest = max(SLOWEST, 10 * watch.figures.p99)  # other work on the machine slows all probes
    figures, got = attacked(service.port, pid, name, SECONDS, b'{"data": [1]}')
    record_property(name, str(figures))
    print(name, figures, got)
    assert figures.p99 < slowest
    assert figures.server_mb - server < most(SERVER, name)
    assert figures.worker_mb - worker < most(WORKER, name)
    assert figures.lost == 0, figures.honest
    assert got.keys() - GOT.get(name, got.keys()) - {"cut", "open", "mb"} == set()
    assert any(got.get(status) for status in GOT.get(name, got.keys())), got
    assert len(service.worker_pids()) == 1
    assert "Traceback" not in service.log


def open_files(service: Service) -> int:
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def test_clients_that_read_nothing_are_cut_off(serve: Start) -> None:
    """What the server holds for answers that nobody takes is free again after two windows."""
    service = serve(PLAIN, **SHORT)
    assert service.post("hi").json() == 2
    service.client.close()
    files, memory = open_files(service), resident_mb(service.process.pid)
    with contextlib.ExitStack() as opened:
        for _ in range(4):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            connection.sendall(HEAD + b"Content-Length: 3\r\n\r\nbig")
        service.wait_until(lambda: resident_mb(service.process.pid) > memory + 2 * ANSWER / 2**20, "answers to wait")
        service.wait_until(lambda: open_files(service) <= files, "the connections to be cut off")
        assert resident_mb(service.process.pid) < memory + MUCH


def connected(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))


def asked(port: int, source: str, request: bytes) -> bytes:
    """Return the answer to a request on a new connection from an address, up to the end that the server makes."""
    received = b""
    with connected(port, source) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(request)
        while part := connection.recv(65536):
            received += part
    return received


PROBE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SCORE = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("sources", "other"),
    [(["127.0.0.5"], b"HTTP/1.1 200"), ([f"127.0.1.{number}" for number in range(1, 5)], b"HTTP/1.1 503")],
    ids=["one peer has its limit", "all have the limit of all"],
)
def test_probes_pass_where_the_connections_are_used_up(serve: Start, sources: list[str], other: bytes) -> None:
    """A probe has a reserved place; other requests get 503 and the end of the connection until there is room again."""
    service = serve(PLAIN, MLPACKAGE_CONNECTION_LIMIT="40", MLPACKAGE_PEER_LIMIT="10")
    with contextlib.ExitStack() as opened:
        for number in range(100):
            opened.enter_context(connected(service.port, sources[number % len(sources)]))
        time.sleep(0.2)
        probes = [asked(service.port, source, PROBE)[:12] for source in (sources[0], HONEST)]
        scores = [asked(service.port, source, SCORE)[:12] for source in (sources[0], HONEST)]
    assert (probes, scores) == ([b"HTTP/1.1 200"] * 2, [b"HTTP/1.1 503", other])
    service.wait_until(lambda: asked(service.port, sources[0], SCORE).startswith(b"HTTP/1.1 200"), "room again")


STREAMING = """
    from azureml_inference_server_http.api.aml_response import AMLResponse

    def init():
        pass

    def run(raw_data):
        return AMLResponse((b"x" * 50_000 for _ in range(100)), 200) if raw_data == "hi" else "quick"
"""


def test_a_client_that_leaves_cuts_off_nobody_else(serve: Start) -> None:
    """A request that waits behind a stream whose client leaves gets the whole of its own stream."""
    pytest.importorskip("werkzeug", reason="streams need werkzeug")
    service = serve(STREAMING)
    lengths = []
    for _ in range(40):
        assert service.post("quick").json() == "quick"  # after a quick request, another one is sent ahead
        with connected(service.port, HONEST) as leaving, connected(service.port, HONEST) as staying:
            leaving.sendall(SCORE)
            staying.sendall(SCORE)
            leaving.recv(1000)
            leaving.close()
            response = HTTPResponse(staying)
            response.begin()
            lengths.append(len(response.read()))
    assert lengths == [100 * 50_000] * 40


FAILING = """
    import os, time

    def init():
        pass

    def run(raw_data):
        if raw_data[0] == "d":
            os._exit(1)
        if raw_data[0] == "s":
            time.sleep(1)
        return len(raw_data)
"""


def die(service: Service) -> None:
    assert service.post(b"d" * BODY).status_code == 500


def be_late(service: Service) -> None:
    assert service.post(b"s" * BODY).status_code == 500


def leave_the_queue(service: Service) -> None:
    with connected(service.port, HONEST) as first, connected(service.port, HONEST) as second:
        first.sendall(HEAD + b"Content-Length: 1\r\n\r\ns")
        second.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % BODY + b"x" * BODY)
        time.sleep(0.1)
        second.close()
        assert first.recv(12) == b"HTTP/1.1 200"


def leave_while_sending(service: Service) -> None:
    with connected(service.port, HONEST) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % BODY + b"x" * (BODY - 1))


BODY = 20_000_000
# The C library keeps freed memory. With these settings, what the server has is what it needs.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@pytest.mark.parametrize(
    ("fail", "settings"),
    [
        (die, {}),
        (be_late, {"SCORING_TIMEOUT_MS": "300"}),
        (leave_the_queue, {}),
        (leave_while_sending, {}),
    ],
    ids=["its worker died", "it took too long", "its client left the queue", "its client left"],
)
def test_the_body_of_a_request_that_fails_is_freed(
    serve: Start, fail: Callable[[Service], None], settings: dict[str, str]
) -> None:
    """The server does not keep the bodies of requests that end without an answer of run()."""
    service = serve(FAILING, **settings, **GIVES_BACK)
    fail(service)
    before = resident_mb(service.process.pid)
    for _ in range(5):
        fail(service)
    assert service.post("x").status_code == 200
    most = before + 2 * BODY / 2**20
    service.wait_until(lambda: resident_mb(service.process.pid) < most, "the bodies to be freed")


# A container ends a process that needs too much memory, in the middle of what it is doing.
OUT_OF_MEMORY = """
    import os, signal, threading, time

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def watch(most):
        while True:
            if resident() > most:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.0005)

    def init():
        threading.Thread(target=watch, args=(resident() + 30_000_000,), daemon=True).start()

    def run(raw_data):
        time.sleep(0.01)
        return len(raw_data)
"""


def test_a_request_that_kills_its_reader_kills_one(serve: Start) -> None:
    """A body that a worker dies of while it reads is answered with 500 and not tried again; the others are answered."""
    service = serve(OUT_OF_MEMORY)
    with ThreadPoolExecutor(8) as pool:
        before = [pool.submit(service.post, "x" * number) for number in range(20)]
        killer = pool.submit(service.post, b"x" * 90_000_000)
        after = [pool.submit(service.post, "x" * number) for number in range(20)]
        statuses = [[answer.result().status_code for answer in answers] for answers in (before, after)]
        assert (killer.result().status_code, statuses) == (500, [[200] * 20, [200] * 20])
    service.wait_until(lambda: service.post("x").status_code == 200, "the next worker")
    assert len(service.worker_pids()) == 2


LIMITED = """
    import resource

    def init():
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2)

    def run(raw_data):
        return len(raw_data)
"""


def test_a_body_without_room_costs_at_most_its_worker(serve: Start) -> None:
    """A body for which a worker has no memory gets 500 and is not tried again, and the next request is answered."""
    service = serve(LIMITED)
    statuses = [service.post(body).status_code for body in (b"hi", b"x" * 90_000_000, b"hi", b"hi")]
    assert statuses == [200, 500, 200, 200]
    assert len(service.worker_pids()) <= 2


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
    with connected(service.port, HONEST) as connection:
        connection.sendall(SCORE)
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for_log("(Stopping)")
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.wait()
    assert time.monotonic() - began < 5


LONG = "q" * 1000  # makes the lines of the log so long that 3,000 of them are more than the server holds back
TALKING = """
    import sys

    def init():
        pass

    def run(raw_data):
        print("x" * 1000, file=sys.stderr if raw_data == "err" else sys.stdout)
        return raw_data
"""


@pytest.mark.slow
@pytest.mark.parametrize("script", [PLAIN, TALKING], ids=["a silent script", "a script that talks"])
def test_a_log_that_nobody_reads_blocks_nothing(server_python: str, runtime: Path, tmp_path: Path, script: str) -> None:
    """Lines that the pipe does not take are dropped, requests and probes are answered, and the loss is said later."""
    (tmp_path / "score.py").write_text(script.replace("\n    ", "\n"), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server_python, "-I", str(runtime), "serve", f"--port={port}", "--host=127.0.0.1"]
    environment = {**os.environ, "AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        try:
            wait_until_healthy(port)
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(timeout=5) as client:
                statuses = Counter(client.post(f"{url}/score?{LONG}", content="err").status_code for _ in range(3000))
                assert (statuses, client.get(f"{url}/").text) == ({200: 3000}, "Healthy")
                os.set_blocking(process.stdout.fileno(), False)
                limit, said = time.monotonic() + PATIENCE, b""
                while b"dropped" not in said and time.monotonic() < limit:
                    client.get(f"{url}/swagger.json")
                    said += process.stdout.read() or b""
            assert b"dropped" in said
        finally:
            process.kill()


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
    "with a child": "subprocess.run(['sleep', '60'])",
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
    with connected(service.port, HONEST) as connection:
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
