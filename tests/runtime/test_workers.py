"""Workers that end are replaced, and only the request that they were running is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from mlpackage_runtime import frames

if TYPE_CHECKING:
    from runtime_service import Start

SCRIPT_ERROR = {"message": "An unexpected error occurred in scoring script. Check the logs for more info."}

DYING = """
    import json, os, time

    def init():
        pass

    def run(raw_data):
        order = json.loads(raw_data)
        if order == "die":
            os._exit(1)
        if order == "segfault":
            import ctypes
            ctypes.string_at(0)
        if order == "sleep":
            time.sleep(0.5)
        return os.getpid()
"""


def test_a_worker_that_dies_is_replaced(serve: Start) -> None:
    """Its request gets the 500 of a failing script, and another process serves the next request."""
    service = serve(DYING)
    first = service.post('"ok"').json()
    for order in ('"die"', '"segfault"'):
        lost = service.post(order)
        assert (lost.status_code, lost.json()) == (500, SCRIPT_ERROR)
        assert lost.headers["x-ms-run-function-failed"] == "True"
    last = service.post('"ok"')
    assert (last.status_code, last.json() == first) == (200, False)


def test_the_requests_behind_a_dying_one_are_served(serve: Start) -> None:
    """With one worker, what waits in the queue survives the death of the worker in front of it."""
    service = serve(DYING)
    with ThreadPoolExecutor(8) as pool:
        orders = ['"sleep"', '"die"', *['"ok"'] * 6]
        answers = list(pool.map(lambda order: (order, service.post(order).status_code), orders))
    assert sorted(answers) == sorted([('"sleep"', 200), ('"die"', 500), *[('"ok"', 200)] * 6])


@pytest.mark.parametrize("seconds", [0.001, 0.01], ids=["one request is sent ahead", "none is"])
def test_a_kill_under_load_loses_one_request(serve: Start, seconds: float) -> None:
    """kill -9 of a worker under load costs the request that it was running, and no other."""
    service = serve(
        f"""
        import time

        def init():
            pass

        def run(raw_data):
            time.sleep({seconds})
            return raw_data
        """
    )
    with ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(service.post, str(number)) for number in range(300)]
        service.wait_until(lambda: sum(request.done() for request in pending) > 50, "the load to run")
        os.kill(service.worker_pids()[0], signal.SIGKILL)
        answers = [request.result() for request in pending]
    lost = [answer.status_code for answer in answers if answer.status_code != 200]
    assert lost in ([500], [])  # none where the kill came between two requests
    kept = [(number, answer.json()) for number, answer in enumerate(answers) if answer.status_code == 200]
    assert kept == [(number, str(number)) for number, answer in enumerate(answers) if answer.status_code == 200]
    assert len(service.worker_pids()) == 2


def test_what_was_sent_ahead_is_not_run_twice(serve: Start, tmp_path: Path) -> None:
    """A request that lay ready behind one that killed the worker runs once, in the next worker."""
    service = serve(
        """
        import os

        def init():
            pass

        def run(raw_data):
            with open("ran", "a") as log:
                log.write(raw_data + "\\n")
            if raw_data == "die":
                os._exit(1)
            return raw_data
        """
    )
    assert [service.post("quick").status_code for _ in range(5)] == [200] * 5
    names = ["die" if number % 10 == 5 else str(number) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda name: service.post(name).status_code, names))
    assert statuses == [500 if name == "die" else 200 for name in names]
    assert sorted((tmp_path / "ran").read_text().split()) == sorted(["quick"] * 5 + names)


def test_workers_that_cannot_come_back_are_retried_ever_later(serve: Start, tmp_path: Path) -> None:
    """A crash loop backs off, answers 503 meanwhile, and ends when the cause does."""
    service = serve(
        """
        import os, pathlib

        def init():
            if pathlib.Path("broken").exists():
                raise RuntimeError("broken")

        def run(raw_data):
            pathlib.Path("broken").touch()
            os._exit(1)
        """
    )
    assert service.post("{}").status_code == 500
    service.wait_for_log(r"(Workers keep ending; the next one starts in 0.5 s)")
    unhealthy, refused = service.request("GET", "/"), service.post("{}")
    assert (unhealthy.status_code, refused.status_code, refused.headers["retry-after"]) == (503, 503, "1")
    service.wait_for_log(r"(the next one starts in 1 s)")
    (tmp_path / "broken").unlink()
    service.wait_until(lambda: service.request("GET", "/").status_code == 200, "a worker to come back")


def test_an_idle_worker_that_is_killed_costs_nothing(serve: Start) -> None:
    """A request that comes while its replacement starts waits for it."""
    service = serve(DYING)
    for _ in range(3):
        killed = service.worker_pids()[-1]
        os.kill(killed, signal.SIGKILL)
        service.wait_for_log(f"(Worker {killed} ended with status -9)")
        assert service.post('"ok"').status_code == 200


WRAPPER = """#!{python}
import os, select, socket, struct, sys
try:
    open({marker!r}, "x").close()
except FileExistsError:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(fileno=int(sys.argv[3]))
server.recv(65536)
server.sendall(struct.pack("!BIQ", {ready}, 0, 2) + b"{{}}")
select.select([server], [], [])
os._exit(1)
"""


@pytest.mark.parametrize("blanks", [0, 5 * 2**20], ids=["in a frame", "in a file"])
def test_a_request_that_a_dying_worker_had_not_read_is_given_to_the_next(
    serve: Start, tmp_path: Path, blanks: int
) -> None:
    """A worker that ends with the request unread in its socket has not begun it: nobody gets a 500."""
    wrapper = tmp_path / "python"
    text = WRAPPER.format(python=sys.executable, marker=str(tmp_path / "first"), ready=frames.READY)
    wrapper.write_text(text, encoding="utf-8")
    wrapper.chmod(0o755)
    service = serve(DYING, f"--worker-python={wrapper}")
    assert service.post('"ok"' + " " * blanks).json() == service.worker_pids()[-1]
    assert "ended with status 1" in service.log


EATER = """#!{python}
import os, socket, struct, sys
server = socket.socket(fileno=int(sys.argv[3]))
server.recv(65536)
server.sendall(struct.pack("!BIQ", {ready}, 0, 2) + b"{{}}")
print("Worker with pid", os.getpid(), "ready", file=sys.stderr, flush=True)
if server.recv({read}):
    {say}
    os._exit(1)
"""


@pytest.mark.parametrize(
    ("read", "say", "workers"),
    [
        (10, f"server.sendall(struct.pack('!BIQ', {frames.RECEIVING}, 0, 0))", 2),
        (10, "pass", 3),
    ],
    ids=["the worker has said that it reads", "the worker has not"],
)
def test_a_request_that_kills_the_worker_that_reads_it_does_not_kill_them_all(
    start: Start, tmp_path: Path, read: int, say: str, workers: int
) -> None:
    """It gets 500 after one worker, or after one more where it may have lain unread, and the others wait."""
    eater = tmp_path / "python"
    eater.write_text(EATER.format(python=sys.executable, ready=frames.READY, read=read, say=say), encoding="utf-8")
    eater.chmod(0o755)
    service = start(DYING, f"--worker-python={eater}").wait_until_listening()
    service.wait_for_log("(Ready: .*)")
    lost = service.post("x" * 2**20)
    assert (lost.status_code, lost.json()) == (500, SCRIPT_ERROR)
    service.wait_until(lambda: len(service.worker_pids()) == workers, "the last replacement")
    time.sleep(0.3)
    assert len(service.worker_pids()) == workers


def test_a_body_that_a_worker_has_no_memory_for_costs_one_worker(serve: Start) -> None:
    """The real way to die while reading: the others of a queue are answered by the next worker."""
    service = serve(DYING, MLPACKAGE_WORKER_MEMORY=str(60_000_000))
    with ThreadPoolExecutor(4) as pool:
        large = pool.submit(service.post, "x" * (90 * 2**20))
        small = list(pool.map(lambda _: service.post('"ok"').status_code, range(20)))
    assert (large.result().status_code, small) == (500, [200] * 20)
    assert len(service.worker_pids()) <= 2


def test_requests_are_spread_over_the_workers(serve: Start) -> None:
    """Two workers run two requests at the same time."""
    service = serve(DYING, WORKER_COUNT="2")
    with ThreadPoolExecutor(2) as pool:
        began = time.monotonic()
        pids = {answer.json() for answer in pool.map(service.post, ['"sleep"', '"sleep"'])}
    assert (pids, time.monotonic() - began < 0.9) == (set(service.worker_pids()), True)


def test_a_deadline_ends_a_run_and_its_worker(serve: Start) -> None:
    """Sleeping, spinning in C and swallowing every exception end alike, and the next request is served."""
    service = serve(
        """
        import json, time

        def init():
            pass

        def run(raw_data):
            order = json.loads(raw_data)
            while order == "swallow":
                try:
                    time.sleep(60)
                except BaseException:
                    pass
            if order == "spin":
                sum(range(10**11))
            if order == "sleep":
                time.sleep(60)
            if order == "own":
                raise TimeoutError("the script's own")
            return order
        """,
        SCORING_TIMEOUT_MS="300",
    )
    for order in ("swallow", "spin", "sleep"):
        began = time.monotonic()
        late = service.post(f'"{order}"')
        assert (late.status_code, late.json()) == (500, {"message": "Scoring timeout after 300 ms"})
        assert late.headers["x-ms-run-function-failed"] == "True"
        assert 0.3 <= time.monotonic() - began < 5
        assert service.post('"ok"').json() == "ok"
    own = service.post('"own"')
    assert (own.status_code, own.json()) == (500, SCRIPT_ERROR)


def test_a_request_whose_client_left_is_not_run(serve: Start, tmp_path: Path) -> None:
    """A request that nobody waits for any more is dropped from the queue."""
    service = serve(
        """
        import os
        import time

        ran = []

        def init():
            pass

        def run(raw_data):
            ran.append(raw_data)
            print(f"runs {raw_data}", flush=True)
            while raw_data == "first" and not os.path.exists("released"):
                time.sleep(0.01)
            return ran
        """
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.post, "first")
        service.wait_for_log("(runs first)")
        with contextlib.suppress(httpx.ReadTimeout):
            httpx.post(f"{service.url}/score", content="stale", timeout=0.5)
        time.sleep(1)  # in which the server notices
        (tmp_path / "released").touch()
        first.result()
    assert service.post("last").json() == ["first", "last"]
