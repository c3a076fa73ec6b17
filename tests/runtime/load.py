"""A closed loop of honest requests on kept and on new connections, which counts every connection that is cut.

    python tests/runtime/load.py PORT SECONDS

prints JSON: the answers by status, and as `lost` those requests that got none. It ends early where nothing listens.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from collections import Counter
from http.client import HTTPException, HTTPResponse

KEPT = 4
NEW = 4
PATIENCE = 30.0


def loop(port: int, until: float, found: Counter[str], *, kept: bool) -> None:
    """Send one request after another until the time is over or nobody accepts a connection."""
    ending = b"" if kept else b"Connection: close\r\n"
    request = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + ending + b"\r\nhi"
    name = "kept" if kept else "new"
    while time.monotonic() < until:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        except ConnectionError:
            found["refused"] += 1
            return
        with connection:
            while time.monotonic() < until and _is_open(connection) and _goes_on(connection, request, found, name):
                pass


def _is_open(connection: socket.socket) -> bool:
    """Return whether the server has not closed the connection between two requests."""
    return not select.select([connection], [], [], 0)[0]


def _goes_on(connection: socket.socket, request: bytes, found: Counter[str], name: str) -> bool:
    """Send a request and count its answer; return whether the connection can take another one."""
    try:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        response.read()
    except (OSError, HTTPException) as error:
        found["lost"] += 1
        found[f"lost on a a {name} connection: {error!r}"] += 1
        return False
    found[str(response.status)] += 1
    return not response.will_close


def main(port: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    found: Counter[str] = Counter()
    kinds = [True] * KEPT + [False] * NEW
    threads = [threading.Thread(target=loop, args=(port, until, found), kwargs={"kept": kept}) for kept in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
