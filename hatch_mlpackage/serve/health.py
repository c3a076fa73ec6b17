"""Find a free port, and wait for the server on it."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Callable
from urllib.error import URLError

_PAUSE = 0.1  # seconds between probes
_PATIENCE = 2.0  # seconds for one probe's answer


def free_port() -> int:
    """Return a port of the loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(url: str, *, while_alive: Callable[[], bool]) -> bool:
    """Wait until the server answers its liveness probe; False when it ends before."""
    while while_alive():
        try:
            # An empty handler: a proxy of the environment has no business on the loopback.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=_PATIENCE):
                return True
        except (URLError, OSError):
            time.sleep(_PAUSE)
    return False
