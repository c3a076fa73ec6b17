from __future__ import annotations

import errno
import os
import socket

import pytest

from hatch_mlpackage.errors import PortError
from hatch_mlpackage.serve.health import free_port, require_port


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 0), ("::1", 0), ("localhost", 0), ("0.0.0.0", 0)])
def test_a_free_port(host, port):
    """A port on which something can listen passes, and stays free."""
    require_port(host, port)
    require_port("127.0.0.1", found := free_port())
    require_port("127.0.0.1", found)


def test_a_port_after_a_connection():
    """A port whose last connections are still in the system's memory is free, as it is for the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        accepted.close()
        assert client.recv(1) == b""
        port = listener.getsockname()[1]

    require_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EADDRINUSE, "Address already in use. Stop what listens there, or choose another port: --port"),
        (errno.EACCES, "Permission denied. Choose another port: --port"),
        (errno.EADDRNOTAVAIL, "Cannot assign requested address. Choose an address of this machine: --host"),
    ],
)
def test_a_port_that_cannot_be_had(monkeypatch, number, said):
    """The error says why, and which option chooses another port or another address."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(PortError) as raised:
        require_port("192.0.2.1", 80)

    assert (str(raised.value), raised.value.exit_status) == (f"192.0.2.1 port 80: {said}", 3)


def test_a_host_that_nobody_knows():
    """A name that leads nowhere is an address to change."""
    with pytest.raises(PortError, match=r"^no such host port 5001: .*\. Choose an address of this machine: --host$"):
        require_port("no such host", 5001)
