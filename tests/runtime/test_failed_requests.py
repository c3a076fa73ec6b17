"""Requests that fail: what they take is free again, and they take nobody else with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from assault import HEAD
from measuring import HONEST, connected, resident_mb

if TYPE_CHECKING:
    from runtime_service import Service, Start

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
    with connected(service.port) as first, connected(service.port, HONEST) as second:
        first.sendall(HEAD + b"Content-Length: 1\r\n\r\ns")
        second.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % BODY + b"x" * BODY)
        time.sleep(0.1)
        second.close()
        assert first.recv(12) == b"HTTP/1.1 200"


def leave_while_sending(service: Service) -> None:
    with connected(service.port) as connection:
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
