"""Find a free port, see whether a port is free, and wait until a server is healthy."""

from __future__ import annotations

import errno
import socket
import time
import urllib.request
from collections.abc import Callable
from urllib.error import URLError

from hatch_mlpackage.errors import PortError

_PAUSE = 0.1  # seconds between probes
_PATIENCE = 2.0  # seconds for one probe's answer


def free_port() -> int:
    """Return a loopback port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def require_port(host: str, port: int) -> None:
    """Raise PortError if nothing can listen there now; the server looks again, and says the same if that has changed.

    It looks as the server does, which shares no code with us.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()  # fails here where two sockets are bound to one port
    except OSError as error:
        taken, forbidden = error.errno == errno.EADDRINUSE, error.errno == errno.EACCES
        step = "Stop what listens there, or choose another port" if taken else "Choose another port"
        step = f"{step}: --port" if taken or forbidden else "Choose an address of this machine: --host"
        raise PortError(f"{host} port {port}: {error.strerror}. {step}") from error


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
