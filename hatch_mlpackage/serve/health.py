"""Find a free port, and wait until a server is healthy."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Callable
from urllib.error import URLError

_PAUSE = 0.1  # seconds between probes
_PATIENCE = 2.0  # seconds for one probe's answer


def free_port() -> int:
    """Return a loopback port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(url: str, *, while_alive: Callable[[], bool]) -> bool:
    """Wait until the server answers its liveness probe; return False when the server ends first."""
    while while_alive():
        try:
            # An empty ProxyHandler: requests to the loopback must not go through a proxy of the environment.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=_PATIENCE):
                return True
        except (URLError, OSError):
            time.sleep(_PAUSE)
    return False
