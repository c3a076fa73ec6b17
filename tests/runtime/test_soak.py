"""A long mixed load with attacks and kills: memory stays flat, nothing is left behind, and no honest request is lost.

MLPACKAGE_SOAK_SECONDS sets its length. A leak of 1 MiB in a minute shows in ten minutes.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from attacks import PLAIN, SCHEMA
from measuring import children, program, resident_mb

if TYPE_CHECKING:
    from runtime_service import Service, Start

pytest.importorskip("werkzeug", reason="raw scripts bring werkzeug")

SECONDS = float(os.environ.get("MLPACKAGE_SOAK_SECONDS") or 20)
BETWEEN_KILLS = 3.0
BETWEEN_ATTACKS = 2.0
LEAK = 10  # MiB
STREAMS = """
    from azureml_inference_server_http.api.aml_request import rawhttp
    from azureml_inference_server_http.api.aml_response import AMLResponse

    def init():
        pass

    @rawhttp
    def run(request):
        if request.method == "GET":
            return AMLResponse((b"x" * 50_000 for _ in range(20)), 200)
        return len(request.get_data())
"""
TEXT = "".join(random.Random(0).choices("abcdefghijklmnop", k=2_000_000))
PACKED = gzip.compress(TEXT.encode(), 1)
JSON_TYPE = {"Content-Type": "application/json"}
# The C library keeps freed memory, as much as the largest bodies. With these settings, what is kept is a leak.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
Call = Callable[[httpx.Client, str], bool]


def answered(answer: httpx.Response, expected: object) -> bool:
    return answer.status_code == 200 and answer.json() == expected


def leave(client: httpx.Client, url: str) -> bool:
    """Go away in the middle of an answer."""
    with contextlib.suppress(httpx.HTTPError), client.stream("GET", url) as stream:
        return bool(next(stream.iter_bytes(), b""))
    return False


CALLS: dict[str, list[Call]] = {
    PLAIN: [
        lambda client, url: answered(client.post(url, content="hi"), 2),
        lambda client, url: answered(client.get(url, params={"a": 1}), len('{"a": 1}')),
        lambda client, url: answered(client.post(url, content=TEXT), len(TEXT)),
        lambda client, url: answered(client.post(url, content=PACKED, headers={"Content-Encoding": "gzip"}), len(TEXT)),
    ],
    SCHEMA: [
        lambda client, url: answered(client.post(url, json={"data": [1, 2, 3]}), 3),
        lambda client, url: answered(client.get(url, params={"data": "[1, 2]"}), 2),
        lambda client, url: client.post(url, content="no", headers=JSON_TYPE).status_code == 400,
    ],
    STREAMS: [
        lambda client, url: len(client.get(url).content) == 1_000_000,
        lambda client, url: answered(client.post(url, content=TEXT), len(TEXT)),
        lambda client, url: answered(client.post(url, files={"file": b"x"}), None) or True,
        leave,
    ],
}
ATTACKS = {
    PLAIN: ["trailers", "extensions", "tiny-chunks", "endless-head", "trickles", "gzip-bombs", "nonsense"],
    SCHEMA: ["json-depth", "json-depth-of-objects", "endless-line"],
    STREAMS: ["trailers", "stalled-bodies", "one-peer"],
}


class Soak:
    """The load on one server, in threads that end with `is_on`, and what it found."""

    def __init__(self, service: Service, script: str) -> None:
        self.service = service
        self.script = script
        self.is_on = True
        self.calls = 0
        self.kills = 0
        self.lost: list[str] = []
        self.memory: list[float] = []
        self.files = self.open_files()

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.service.process.pid}/fd").iterdir()))

    def call(self, seed: int) -> None:
        """Make calls one after another, on a kept connection and sometimes on a new one."""
        source = random.Random(seed)
        url = f"{self.service.url}/score"
        while self.is_on:
            with httpx.Client(timeout=60) as client:
                for call in source.choices(CALLS[self.script], k=20):
                    self.calls += 1
                    try:
                        if not call(client, url):
                            self.lost.append(f"another answer to call {CALLS[self.script].index(call)}")
                    except httpx.HTTPError as error:
                        self.lost.append(repr(error))
                    time.sleep(0.01)

    def attack(self) -> None:
        source = random.Random(0)
        while self.is_on:
            with program("attacks.py", source.choice(ATTACKS[self.script]), self.service.port, 1) as attack:
                attack.wait()
            time.sleep(BETWEEN_ATTACKS)

    def kill(self) -> None:
        while self.is_on:
            time.sleep(BETWEEN_KILLS)
            for pid in children(self.service.process.pid)[-1:]:
                self.kills += 1
                os.kill(pid, signal.SIGKILL)

    def measure(self) -> None:
        while self.is_on:
            self.memory.append(resident_mb(self.service.process.pid))
            time.sleep(0.1)

    @property
    def leak(self) -> float:
        """How much more memory the server needs at least in the last third of the time than in the one before."""
        third = len(self.memory) // 3
        return min(self.memory[-third:]) - min(self.memory[third:-third])


def states(pids: list[int]) -> list[str]:
    return [Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] for pid in pids]


@pytest.mark.slow
def test_a_long_load_leaves_nothing_behind(serve: Start, record_property: Callable[[str, object], None]) -> None:
    """All call styles at once, with attacks and a kill every few seconds: one lost request for each kill, no leak."""
    settings = {"MLPACKAGE_RECEIVE_TIMEOUT": "5", "MLPACKAGE_DRAIN_TIMEOUT": "5", **GIVES_BACK}
    soaks = [Soak(serve(script, **settings), script) for script in CALLS]
    with ThreadPoolExecutor(5 * len(soaks)) as pool:
        running = [
            pool.submit(work)
            for soak in soaks
            for work in (
                soak.attack,
                soak.kill,
                soak.measure,
                lambda soak=soak: soak.call(1),
                lambda soak=soak: soak.call(2),
            )
        ]
        threading.Event().wait(SECONDS)
        for soak in soaks:
            soak.is_on = False
        for work in running:
            work.result()
    for soak in soaks:
        found = {
            "calls": soak.calls,
            "kills": soak.kills,
            "lost": soak.lost,
            "leak": soak.leak,
            "memory": soak.memory[-1],
        }
        record_property("soak", json.dumps(found))
        print(found)
        assert len(soak.lost) <= soak.kills, soak.lost
        assert soak.leak < LEAK
        assert soak.calls > SECONDS
        pid = soak.service.process.pid
        soak.service.wait_until(lambda soak=soak: soak.open_files() <= soak.files, "connections to be closed")
        soak.service.wait_until(lambda pid=pid: len(children(pid)) == 1, "the ended workers to be gone")
        assert "Z" not in states(children(pid))
        assert "Traceback" not in soak.service.log
