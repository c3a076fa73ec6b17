"""Attacks on a server, each for some seconds, in a process of their own so that they slow no measurement.

    python tests/runtime/attacks.py NAME PORT SECONDS

prints what the attack got, as JSON: the number of connections by the status of the answer, `cut` for a connection that
ended without one and `open` for one that was still open, and the megabytes that were sent.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from assault import HEAD, MB, Assault, count, endless, hold, post

SCORE = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"
SLOWEST = 1000.0  # ms for 99 of 100 probes, where the attacker and other tests share two processors with the server
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ANSWER = 50 * MB  # bytes that the script returns for the body `big`
STALLED_BODY = 4 * MB

PLAIN = f"""
    def init():
        pass

    def run(raw_data):
        return "x" * {ANSWER} if raw_data == "big" else len(raw_data)
"""
SCHEMA = """
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("data", StandardPythonParameterType([1]))
    def run(data):
        return len(data)
"""


def trailers(assault: Assault) -> None:
    block = b"X-Late: 1234567890\r\n" * 3000
    assault.repeat(lambda: assault.send(endless(CHUNKED + b"2\r\nhi\r\n0\r\n", block)), 4)


def extensions(assault: Assault) -> None:
    assault.repeat(lambda: assault.send(endless(CHUNKED + b"2;", b"extension;" * 6000)), 2)


def tiny_chunks(assault: Assault) -> None:
    block = (b"1;" + b"e" * 100 + b"\r\nx\r\n") * 600
    assault.repeat(lambda: assault.send(endless(CHUNKED, block)), 4)


def endless_head(assault: Assault) -> None:
    assault.repeat(lambda: assault.send(endless(HEAD, b"X-Field: 1234567890\r\n" * 3000)), 2)


def endless_line(assault: Assault) -> None:
    assault.repeat(lambda: assault.send(endless(b"POST /score?", b"x" * 65536)), 2)


def stalled_bodies(assault: Assault) -> None:
    """Send large bodies but for their last byte, on as many connections as fit into the time."""
    start = HEAD + b"Content-Length: %d\r\n\r\n" % STALLED_BODY + b"x" * (STALLED_BODY - 1)
    hold(assault, lambda: start, most=100)


def trickles(assault: Assault) -> None:
    """Send a byte of a body from time to time on many connections."""
    connections = hold(assault, lambda: HEAD + b"Content-Length: 1000000\r\n\r\nx", most=500, wait=False)
    while assault.is_on:
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.send(b"x")
        time.sleep(0.2)
    count(assault, connections)


def non_readers(assault: Assault) -> None:
    """Ask for large answers and read nothing of them."""
    hold(assault, lambda: HEAD + b"Content-Length: 3\r\n\r\nbig", most=8)


def one_peer(assault: Assault) -> None:
    """Open connections from one address, and send nothing on them."""
    hold(assault, lambda: b"", most=1000)


def many_peers(assault: Assault) -> None:
    """Open connections from a hundred addresses, and send the start of a request on each."""
    hold(assault, lambda: b"GET /sco", most=1000, peers=100)


def gzip_bombs(assault: Assault) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(90):
            file.write(bytes(MB))
    post(assault, packed.getvalue(), b"Content-Encoding: gzip\r\n")


def json_lists(assault: Assault) -> None:
    post(assault, b'{"data": [' + b"[]," * 10_000_000 + b"1]}")


def json_objects(assault: Assault) -> None:
    post(assault, b'{"data": [' + b'{"":0},' * 5_000_000 + b"1]}")


def json_depth(assault: Assault) -> None:
    post(assault, b'{"data": ' + b"[" * 5_000_000)


def json_depth_of_objects(assault: Assault) -> None:
    post(assault, b'{"data": ' + b'{"":' * 5_000_000)


def nonsense(assault: Assault) -> None:
    source = random.Random(0)

    def once() -> None:
        assault.send(iter([source.randbytes(source.randrange(1, 200)) + b"\r\n\r\n"]))

    assault.repeat(once, 4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """What an attack does, and the script and the settings of the server that it is for."""

    go: Callable[[Assault], None]
    script: str = PLAIN
    settings: dict[str, str] = field(default_factory=dict)


SHORT = {"MLPACKAGE_RECEIVE_TIMEOUT": "1"}
FEW = {"MLPACKAGE_CONNECTION_LIMIT": "400", "MLPACKAGE_PEER_LIMIT": "200"}
ATTACKS = {
    "trailers": Attack(go=trailers),
    "extensions": Attack(go=extensions),
    "tiny-chunks": Attack(go=tiny_chunks),
    "endless-head": Attack(go=endless_head),
    "endless-line": Attack(go=endless_line),
    "stalled-bodies": Attack(
        go=stalled_bodies, settings={"MLPACKAGE_BODY_LIMIT": str(10 * MB), "MLPACKAGE_BODIES_LIMIT": str(40 * MB)}
    ),
    "trickles": Attack(go=trickles, settings=SHORT),
    "non-readers": Attack(go=non_readers, settings=SHORT),
    "one-peer": Attack(go=one_peer, settings=FEW),
    "many-peers": Attack(go=many_peers, settings=FEW),
    "gzip-bombs": Attack(go=gzip_bombs),
    "json-lists": Attack(go=json_lists, script=SCHEMA, settings={"MLPACKAGE_JSON_LIMIT": "1000000"}),
    "json-objects": Attack(go=json_objects, script=SCHEMA, settings={"MLPACKAGE_JSON_LIMIT": "1000000"}),
    "json-depth": Attack(go=json_depth, script=SCHEMA),
    "json-depth-of-objects": Attack(go=json_depth_of_objects, script=SCHEMA),
    "nonsense": Attack(go=nonsense),
}


def main(name: str, port: int, seconds: float) -> None:
    assault = Assault(port=port, until=time.monotonic() + seconds)
    ATTACKS[name].go(assault)
    print(json.dumps({**assault.found, "mb": assault.sent // MB}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
