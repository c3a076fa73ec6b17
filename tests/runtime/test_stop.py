"""Stopping: what was accepted is finished, what comes later is refused."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from runtime_service import Start

SLOW = """
    import time

    def init():
        pass

    def run(raw_data):
        time.sleep(float(raw_data))
        return raw_data
"""


def test_sigterm_finishes_what_was_accepted_and_refuses_the_rest(serve: Start) -> None:
    """Running and waiting requests are answered, later ones get 503, and the exit status is 0."""
    service = serve(SLOW)
    with ThreadPoolExecutor(3) as pool:
        accepted = [pool.submit(service.post, "0.5") for _ in range(3)]
        time.sleep(0.2)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for_log("(Stopping)")
        refused = service.post("0"), service.request("GET", "/")
        answers = [request.result() for request in accepted]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, "0.5")] * 3
    assert [answer.status_code for answer in refused] == [503, 503]
    assert service.wait() == 0


def test_an_idle_server_stops_at_once(serve: Start) -> None:
    """Without work there is nothing to wait for, kept-alive connections included."""
    service = serve(SLOW)
    assert service.post("0").status_code == 200
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert (service.wait(), time.monotonic() - began < 5) == (0, True)


def test_what_outlasts_the_drain_timeout_is_cut_off(serve: Start) -> None:
    """A request that never ends does not keep the server from stopping."""
    service = serve(SLOW, MLPACKAGE_DRAIN_TIMEOUT="0.3")
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(service.post, "3600")
        time.sleep(0.2)
        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        assert endless.exception() is not None or endless.result().status_code >= 500


def test_sigterm_while_starting_stops(start: Start) -> None:
    """A server whose init() takes for ever still stops on SIGTERM."""
    service = start("import time\ndef init(): time.sleep(3600)\ndef run(x): pass\n").wait_until_listening()
    service.wait_for_log("(Invoking user's init function)")
    service.process.send_signal(signal.SIGTERM)
    assert service.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_every_signal_to_stop_lets_requests_finish(serve: Start, number: signal.Signals) -> None:
    """A terminal that closes costs no request either."""
    service = serve(SLOW)
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(service.post, "0.5")
        time.sleep(0.2)
        service.process.send_signal(number)
        answer = accepted.result()
    assert (answer.status_code, answer.headers["connection"], service.wait()) == (200, "close", 0)


def test_a_second_signal_ends_the_wait(serve: Start) -> None:
    """Whoever cannot wait sends the signal again."""
    service = serve(SLOW)
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(service.post, "3600")
        time.sleep(0.2)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for_log("(Stopping)")
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert (service.wait(), time.monotonic() - began < 3) == (0, True)
        assert endless.exception() is not None or endless.result().status_code >= 500


@pytest.mark.parametrize(
    "headers", [{}, {"Connection": "close"}], ids=["kept-alive connections", "a connection for each request"]
)
def test_sigterm_under_load_cuts_no_request_off(serve: Start, headers: dict[str, str]) -> None:
    """Every request that was sent gets an answer, 200 or 503, until the port is closed."""
    service = serve("import time\ndef init(): pass\ndef run(x):\n    time.sleep(0.002)\n    return x\n")
    with ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(call_until_refused, service.port, headers) for _ in range(8)]
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        counts = [caller.result() for caller in callers]
    assert service.wait() == 0
    assert [cut for _, cut in counts] == [0] * 8
    assert sum(answered for answered, _ in counts) > 100


def call_until_refused(port: int, headers: dict[str, str]) -> tuple[int, int]:
    """Send requests until nothing listens any more; return how many were answered and how many were cut off."""
    answered = cut = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while True:
        try:
            if connection.sock is None:
                connection.connect()
        except ConnectionRefusedError:
            return answered, cut
        except ConnectionError:  # reset in the handshake, before anything was sent
            connection.close()
            continue
        try:
            connection.request("POST", "/score", body=b"x", headers=headers)
            response = connection.getresponse()
            response.read()
            assert response.status in {200, 503}
            answered += 1
        except (ConnectionError, http.client.HTTPException):
            cut += 1
            connection.close()


BUSY = """
    import subprocess, sys, time

    def init():
        pass

    def run(raw_data):
        if raw_data == "orphan":
            subprocess.Popen(["sh", "-c", "sleep 0.2 & echo $!; sleep 0.1"], start_new_session=True)
        if raw_data == "busy":
            time.sleep(60)
        return raw_data
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_end_with_a_server_that_is_killed(serve: Start) -> None:
    """Also one that is in the middle of run()."""
    service = serve(BUSY, WORKER_COUNT="2")
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(service.post, "busy")
        time.sleep(0.3)
        service.process.kill()
        service.wait()
        assert busy.exception() is not None
    pids = service.worker_pids()
    service.wait_until(lambda: not any(map(alive, pids)), "the workers to end")
    assert len(pids) == 2


def test_what_a_script_leaves_behind_is_reaped(serve: Start) -> None:
    """The server waits for the orphans of its workers, as the first process of a container must."""
    service = serve(BUSY)
    assert service.post("orphan").status_code == 200
    time.sleep(2.5)
    children = [
        Path(f"/proc/{task}/stat").read_text(encoding="ascii").split()
        for task in Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    ]
    assert [child[2] for child in children if int(child[0]) not in service.worker_pids()] == []


def test_a_log_that_nobody_reads_stops_nothing(server_python: str, runtime: Path, tmp_path: Path) -> None:
    """A full pipe drops lines, which are counted, and the server answers as ever."""
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(x): return x\n", encoding="utf-8")
    flags = ["--entry_script=score.py", "--port=0", "--host=127.0.0.1", f"--worker-python={sys.executable}"]
    command = [server_python, "-I", str(runtime), "serve", *flags]
    with contextlib.ExitStack() as opened:
        process = opened.enter_context(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE))
        opened.callback(process.kill)
        client = opened.enter_context(httpx.Client(timeout=20))
        assert process.stderr is not None
        url = next(found[1].decode() for line in process.stderr if (found := re.search(rb"Ready: (.*)/score", line)))
        statuses = {client.get(f"{url}/swagger.json?{'x' * 8000}").status_code for _ in range(500)}
        assert (statuses, client.post(f"{url}/score", content="x").status_code) == ({200}, 200)
        dropped = next(line for line in process.stderr if b"were dropped" in line)
        process.terminate()
        process.communicate()
    assert re.search(rb"\d+ lines of the log were dropped, because nobody read standard error", dropped)
    assert process.returncode == 0


def test_ctrl_c_before_there_is_a_server(server_python: str, runtime: Path) -> None:
    """Ctrl-C during the imports shows no traceback."""
    command = [server_python, "-v", str(runtime), "serve"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "mlpackage_runtime/server/program" in line:
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert (process.returncode, "Traceback" in said) == (130, False)
