"""Attacks from outside: meanwhile probes are answered in time, memory is bounded and no honest request is lost."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from assault import HEAD
from attacks import ANSWER, ATTACKS, PLAIN, SCORE, SHORT, SLOWEST
from measuring import HONEST, Watch, attacked, children, connected, held_mb, resident_mb

if TYPE_CHECKING:
    from runtime_service import Service, Start

SECONDS = 2.0
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
    # Other work on the machine may hold up all of a short attack, or one probe; a hole shows again in a longer one.
    for seconds in (SECONDS, 10 * SECONDS):
        figures, got = attacked(service.port, pid, name, seconds, b'{"data": [1]}')
        if any(got.get(status) for status in GOT.get(name, got.keys())) and figures.p99 < slowest:
            break
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
    files, memory = open_files(service), held_mb(service.process.pid)
    with contextlib.ExitStack() as opened:
        for _ in range(4):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            connection.sendall(HEAD + b"Content-Length: 3\r\n\r\nbig")
        service.wait_until(lambda: held_mb(service.process.pid) > memory + 2 * ANSWER / 2**20, "answers to wait")
        service.wait_until(lambda: open_files(service) <= files, "the connections to be cut off")
        service.wait_until(lambda: held_mb(service.process.pid) < memory + MUCH, "the answers to be freed")


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
        with connected(service.port) as leaving, connected(service.port, HONEST) as staying:
            leaving.sendall(SCORE)
            staying.sendall(SCORE)
            leaving.recv(1000)
            leaving.close()
            response = HTTPResponse(staying)
            response.begin()
            lengths.append(len(response.read()))
    assert lengths == [100 * 50_000] * 40


UNEVEN = """
    from azureml_inference_server_http.api.aml_response import AMLResponse

    def init():
        pass

    def run(raw_data):
        parts = [b"x" * 1_000_000] * 12 + [b"x"] * 100
        return raw_data if raw_data == "quick" else AMLResponse(iter(parts), 200)
"""


def test_a_client_that_leaves_the_end_of_a_stream_stops_nobody(serve: Start) -> None:
    """The server goes on to read from a worker whose last stream it dropped when all of it had arrived."""
    pytest.importorskip("werkzeug", reason="streams need werkzeug")
    service = serve(UNEVEN, MLPACKAGE_DRAIN_TIMEOUT="1")
    for _ in range(3):
        with connected(service.port) as leaving:
            leaving.sendall(SCORE)
            time.sleep(0.5)  # until the server holds as many parts as it takes
            read = 0
            while read < 3_000_000:  # so that it takes the rest, which is small
                read += len(leaving.recv(65536))
            time.sleep(0.2)
        assert service.client.post(f"{service.url}/score", content="quick", timeout=5).json() == "quick"
