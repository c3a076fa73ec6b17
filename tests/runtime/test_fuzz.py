"""Random requests, compared with what a second parser sees in them: nothing is smuggled, nothing hangs or breaks."""

from __future__ import annotations

import itertools
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest
from echoing import ECHO, differences
from mutations import pieces, stream
from wire import answers, exchange, seen_by_h11

if TYPE_CHECKING:
    from runtime_service import Start

pytest.importorskip("werkzeug", reason="raw scripts bring werkzeug")

SECONDS = float(os.environ.get("MLPACKAGE_FUZZ_SECONDS") or 10)
THREADS = 8
ENOUGH = 10  # failures


def found_wrong(port: int, seed: str) -> str:
    """Send the stream of a seed and return what is wrong with the answers, or an empty string."""
    source = random.Random(seed)
    sent, clean = stream(source)
    view = seen_by_h11(sent)
    try:
        # A damaged stream may lack the request that asks for the end.
        received = exchange(port, pieces(source, sent), pause=source.choice([0, 0.0005]), half_close=not clean)
    except TimeoutError:
        return f"seed {seed}: no end to {sent!r}"
    try:
        wrong = differences(view, answers(received, view.methods), clean=clean)
    except HTTPException as error:
        wrong = [f"the answers cannot be read: {error!r}"]
    return f"seed {seed}: {wrong}\n  sent {sent!r}\n  received {received!r}" if wrong else ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_server_sees_the_requests_that_another_parser_sees(serve: Start, seed: int) -> None:
    """Whatever is sent, run() gets no request that h11 does not see, and gets it as h11 sees it."""
    service = serve(ECHO, MLPACKAGE_RECEIVE_TIMEOUT="0.5")
    until = time.monotonic() + SECONDS
    numbers = itertools.count()
    failures: list[str] = []

    def go_on() -> None:
        while time.monotonic() < until and len(failures) < ENOUGH:
            wrong = found_wrong(service.port, f"{seed}:{next(numbers)}")
            if wrong:
                failures.append(wrong)

    with ThreadPoolExecutor(THREADS) as pool:
        for thread in [pool.submit(go_on) for _ in range(THREADS)]:
            thread.result()
    assert "\n".join(failures) == ""
    assert service.request("GET", "/").text == "Healthy"
    assert (len(service.worker_pids()), "Traceback" in service.log, "Exception" in service.log) == (1, False, False)
