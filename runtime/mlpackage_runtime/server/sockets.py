"""Bind the ports, and say what keeps them from being bound."""

from __future__ import annotations

import errno
import socket

BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # fails here where two sockets are bound to one port
    except BaseException:
        listener.close()
        raise
    return listener


def with_next_step(error: OSError, flag: str) -> str:
    """Say why a port cannot be listened on, and what to choose instead: another port, or an address that is ours."""
    taken, forbidden = error.errno == errno.EADDRINUSE, error.errno == errno.EACCES
    step = "Stop what listens there, or choose another port" if taken else "Choose another port"
    step = f"{step}: {flag}" if taken or forbidden else "Choose an address of this machine: --host"
    return f"{error.strerror}. {step}"


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
