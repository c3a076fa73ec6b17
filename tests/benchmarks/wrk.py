"""Load a server with wrk, and read what it measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Requests differ in a header, as those of different callers do, and are made before the load starts.
MOST_REQUESTS = 500
MOST_BYTES = 16 << 20
SCRIPT = """
local file = io.open("{body}", "rb")
local body = file:read("*a")
file:close()
local requests, next_one = {{}}, 0
function init()  -- only here does wrk know the header Host
    for number = 1, {count} do
        local headers = {{["Content-Type"] = "{content_type}", ["X-Caller"] = tostring(number)}}
        requests[number] = wrk.format("POST", "{path}", headers, body)
    end
end
function request()
    next_one = next_one % {count} + 1
    return requests[next_one]
end
function done(summary, latency, all)
    local errors = summary.errors
    io.write(string.format(
        'measured: {{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "lost": %d}}\\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class LoadError(Exception):
    """Say why the figures of a load do not count."""


class NoAnswerError(LoadError):
    """Say that a server is slower than the load is long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Hold requests per second, and percentiles of the latency in milliseconds."""

    rate: float
    p50: float
    p99: float


def write_script(folder: Path, path: str, body: bytes, content_type: str) -> Path:
    """Write a script for wrk that sends a body again and again."""
    folder.mkdir(exist_ok=True)
    (folder / "body").write_bytes(body)
    count = max(8, min(MOST_REQUESTS, MOST_BYTES // len(body)))
    script = folder / "load.lua"
    text = SCRIPT.format(body=folder / "body", count=count, path=path, content_type=content_type)
    script.write_text(text, encoding="utf-8")
    return script


def load(port: int, script: Path, *, connections: int, seconds: int) -> Measured:
    """Send requests over some connections for some seconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", "-s", str(script)]
    environment = {"PATH": os.environ["PATH"]}
    url = f"http://127.0.0.1:{port}/"
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise LoadError(f"wrk ended with status {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}")
    return read(done.stdout)


def read(said: str) -> Measured:
    """Read what our script for wrk prints at its end; raise LoadError if a request failed, or none was answered."""
    found = re.search(r"^measured: (.*)$", said, re.MULTILINE)
    if found is None:
        raise LoadError(f"wrk measured nothing: {said.strip()}")
    values = json.loads(found[1])
    if not values["requests"]:
        raise NoAnswerError("no request was answered")
    if values["refused"] or values["lost"]:
        raise LoadError(
            f"{values['refused']} of {values['requests']} answers were errors, and {values['lost']} requests were lost"
        )
    return Measured(
        rate=values["requests"] / values["microseconds"] * 1e6, p50=values["p50"] / 1e3, p99=values["p99"] / 1e3
    )
