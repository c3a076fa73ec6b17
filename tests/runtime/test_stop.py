"""Stopping: what was accepted is finished, what comes later is refused."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlpackage_runtime.server.stopping import refuse_new

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


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_a_closing_port_connects_those_who_have_begun() -> None:
    """A client whose handshake is under way is connected and heard; one that begins later is not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        listener.settimeout(5)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10)  # its handshake ends with its first byte
        with socket.create_connection(address, timeout=5) as early:
            refuse_new(listener)
            early.sendall(b"x")
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1) == b"x"
        with pytest.raises(TimeoutError):
            socket.create_connection(address, timeout=0.3)


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


LEAVING = """
    import subprocess, sys, time

    def init():
        pass

    def run(raw_data):
        if raw_data == "orphan":
            subprocess.Popen(["sh", "-c", "sleep 0.2 & echo $!; sleep 0.1"], start_new_session=True)
        return raw_data
"""


def test_what_a_script_leaves_behind_is_reaped(serve: Start) -> None:
    """The server waits for the orphans of its workers, as the first process of a container must."""
    service = serve(LEAVING)
    assert service.post("orphan").status_code == 200
    time.sleep(2.5)
    children = [
        Path(f"/proc/{task}/stat").read_text(encoding="ascii").split()
        for task in Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    ]
    assert [child[2] for child in children if int(child[0]) not in service.worker_pids()] == []


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
