"""The limits of deployment files: how many requests are let in at once, and how long the others wait."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Service, Start

SLEEPING = """
    import json, time

    def init():
        pass

    def run(raw_data):
        time.sleep(json.loads(raw_data))
        return "done"
"""
STREAMING = """
    import json, time
    from azureml_inference_server_http.api.aml_response import AMLResponse

    def init():
        pass

    def run(raw_data):
        def parts():
            yield b"a"
            time.sleep(json.loads(raw_data))
            yield b"b"
        return AMLResponse(parts(), 200)
"""


def statuses(service: Service, *seconds: float) -> list[int]:
    """Send requests a little after one another and return their statuses in that order."""
    with ThreadPoolExecutor(len(seconds)) as pool:
        sent = []
        for one in seconds:
            sent.append(pool.submit(lambda one=one: service.post(str(one)).status_code))
            time.sleep(0.1)
        return [answer.result() for answer in sent]


def test_a_request_waits_no_longer_than_allowed(serve: Start) -> None:
    """Behind a long request, one that may wait 300 ms then gets 503 with the reason and a time to come back."""
    service = serve(SLEEPING, MLPACKAGE_MAX_QUEUE_WAIT_MS="300")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(service.post, "1")
        time.sleep(0.2)
        began = time.monotonic()
        refused = service.post("0")
        waited = time.monotonic() - began
        assert slow.result().status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json() == {"message": "The request waited 300 ms, and the model is still busy."}
    assert 0.25 < waited < 0.8
    assert statuses(service, 0.2, 0) == [200, 200]  # a short wait is no refusal, and every place is free again


def test_a_request_that_cannot_be_let_in_in_time_does_not_wait(serve: Start) -> None:
    """Where the fastest of late takes 400 ms, the third in line is not let in within 500 ms, and hears so at once."""
    service = serve(SLEEPING, MLPACKAGE_MAX_QUEUE_WAIT_MS="500")
    assert statuses(service, 0.4) == [200]
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(service.post, "0.4") for _ in range(3)]
        time.sleep(0.2)
        began = time.monotonic()
        refused = service.post("0.4")
        waited = time.monotonic() - began
        assert sorted(answer.result().status_code for answer in waiting) == [200, 200, 503]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json() == {"message": "2 requests wait, so that no other can be let in within 500 ms."}
    assert waited < 0.2


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1", [200, 503, 503]), ("2", [200, 200, 503])],
    ids=["one request at a time", "two at a time, the second waiting for the worker"],
)
def test_so_many_are_let_in(serve: Start, limit: str, expected: list[int]) -> None:
    """A request that is let in waits for the worker as long as it takes; the others wait for the time that is set."""
    service = serve(SLEEPING, MLPACKAGE_MAX_CONCURRENT_REQUESTS=limit, MLPACKAGE_MAX_QUEUE_WAIT_MS="100")

    assert statuses(service, 1, 0, 0) == expected


def test_without_a_longest_wait(serve: Start) -> None:
    """A number alone makes the others wait in line, in the order in which they came."""
    service = serve(SLEEPING, MLPACKAGE_MAX_CONCURRENT_REQUESTS="1", WORKER_COUNT="2")

    assert statuses(service, 0.3, 0.1, 0, 0) == [200, 200, 200, 200]


def test_a_stream_counts_until_its_end(serve: Start) -> None:
    """A response that is still being made keeps its place."""
    service = serve(STREAMING, MLPACKAGE_MAX_QUEUE_WAIT_MS="100")

    assert statuses(service, 1, 0) == [200, 503]
    assert statuses(service, 0) == [200]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, [200, 200, 503]),
        ({"MLPACKAGE_MAX_QUEUE_WAIT_MS": "5000"}, [200, 200, 503]),
        ({"MLPACKAGE_MAX_CONCURRENT_REQUESTS": "2"}, [200, 200, 200, 503]),
    ],
    ids=["the pool's queue", "the gate's line", "one request in each line"],
)
def test_the_queue_limit_holds_for_each_line(serve: Start, limits: dict[str, str], expected: list[int]) -> None:
    """Where one request may wait, the next one gets 503 at once, whichever line it would have joined."""
    service = serve(SLEEPING, MLPACKAGE_QUEUE_LIMIT="1", **limits)

    assert statuses(service, 1, *[0] * (len(expected) - 1)) == expected


def test_a_full_line_says_so(serve: Start) -> None:
    """A request that may not even wait gets 503 with the reason and a time to come back."""
    service = serve(SLEEPING, MLPACKAGE_QUEUE_LIMIT="0")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(service.post, "1")
        time.sleep(0.2)
        refused = service.post("0")
        assert slow.result().status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json() == {"message": "Too many requests are waiting."}
