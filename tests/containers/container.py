"""Start a container of an image under test, and ask it over loopback."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Engine

READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    engine: Engine
    id: str
    port: int

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read().decode()

    def score(self, request: object) -> object:
        body = json.dumps(request).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/score", data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=30) as response:
            return json.load(response)

    def inspect(self, template: str) -> str:
        return self.engine.run("inspect", "--format", template, self.id).strip()

    def log(self) -> str:
        return self.engine.run("logs", self.id)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(OSError, urllib.error.URLError):
                self.get("/")
                return
            assert self.inspect("{{.State.Running}}") == "true", self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def container(engine: Engine, tag: str, *options: str) -> Iterator[Container]:
    """Run an image as in production, with only a tmpfs /tmp to write to and its port on loopback."""
    port = free_port()
    where = ("--env", "MLPACKAGE_HOST=127.0.0.1", "--env", f"MLPACKAGE_PORT={port}")
    running = engine.run(
        "run", "--detach", "--network", "host", "--read-only", "--tmpfs", "/tmp", *where, *options, tag
    )
    found = Container(engine=engine, id=running.split()[0], port=port)
    try:
        yield found
    finally:
        engine.run("rm", "--force", found.id)
