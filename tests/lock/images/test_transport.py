"""Registries that cannot be reached, are not trusted, or answer too little, too slowly or too much."""

from __future__ import annotations

import socket
import threading

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.images import transport
from hatch_mlpackage.lock.images.transport import UnreachableError


@pytest.fixture
def tls_registry(tmp_path, certificate, monkeypatch, run_registry):
    settings = {"tls": {"certificate": str(certificate / "cert.pem"), "key": str(certificate / "key.pem")}}
    # Loopback addresses need no TLS, so this test treats no address as loopback.
    for module in ("reference", "transport", "authorize"):
        monkeypatch.setattr(f"hatch_mlpackage.lock.images.{module}.is_loopback", lambda _host: False)
    with run_registry(tmp_path / "tls", http=settings) as running:
        yield running


def test_a_certificate(tls_registry, certificate, tmp_path, monkeypatch, asked_of):
    """An authority is trusted if SSL_CERT_FILE names it, or if it lies where engines keep this registry's."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    asked = f"{tls_registry.host}/base:1"
    with pytest.raises(UnreachableError) as raised:
        asked_of(asked)
    assert str(raised.value) == (
        f"{tls_registry.host} cannot be reached: its certificate is not trusted (self-signed certificate). Name the "
        "authority's certificate in SSL_CERT_FILE, or put it at "
        f"/etc/docker/certs.d/{tls_registry.host}/ca.crt."
    )

    with monkeypatch.context() as named:
        named.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        with pytest.raises(LockError, match="does not exist"):
            asked_of(asked)

    place = tmp_path / "certs.d" / tls_registry.host
    place.mkdir(parents=True)
    (place / "ca.crt").write_bytes((certificate / "cert.pem").read_bytes())
    monkeypatch.setattr(transport, "CERTIFICATES", (tmp_path / "certs.d",))
    with pytest.raises(LockError, match="does not exist"):
        asked_of(asked)


def test_no_tls(script, monkeypatch, asked_of):
    """An error says that a registry does not speak TLS."""
    monkeypatch.setattr("hatch_mlpackage.lock.images.reference.is_loopback", lambda _host: False)
    script.answers["*"] = 200, {}, b""

    with pytest.raises(UnreachableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value).startswith(f"{script.host} cannot be reached: it does not speak TLS as expected (")
    assert str(raised.value).endswith("). Plain HTTP is used on loopback addresses only.")


def test_nobody_listens(asked_of):
    """An error says in one sentence that a registry is down."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"

        with pytest.raises(UnreachableError) as raised:
            asked_of(f"{host}/base:1")

    assert str(raised.value) == f"{host} cannot be reached: Connection refused."


def test_no_such_host(asked_of):
    """An error says that a host name cannot be resolved; names of this kind never exist (RFC 6761)."""
    with pytest.raises(UnreachableError, match=r"^registry\.invalid cannot be reached: its name cannot be resolved \("):
        asked_of("registry.invalid/base:1")


def test_silence(monkeypatch, asked_of):
    """The client gives up on a registry that never answers."""
    monkeypatch.setattr(transport, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(UnreachableError) as raised:
            asked_of(f"{host}/base:1")

    assert str(raised.value) == f"{host} cannot be reached: no answer within 0.2 seconds."


def test_a_trickle(monkeypatch, asked_of):
    """The client gives up on a registry that keeps sending and never finishes."""
    monkeypatch.setattr(transport, "SECONDS_IN_ALL", 0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.05):
                    connection.sendall(b"X-More: and more\r\n")

        thread = threading.Thread(target=trickle)
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UnreachableError) as raised:
            asked_of(f"{host}/base:1")
        over.set()
        thread.join()

    assert str(raised.value) == f"{host} did not answer completely within 0.5 seconds."


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (429, {"Retry-After": "90"}, b""),
            "has had too many requests (429); a login raises its limit. It may be asked again after 90 seconds.",
        ),
        ((429, {}, b""), "has had too many requests (429); a login raises its limit."),
        ((503, {}, b""), "failed (status 503)."),
        ((418, {}, b"I am a teapot"), "answered for {host}/base:1 with a status that no registry gives (418)."),
        (
            (200, {"Content-Length": str(9 << 20)}, b" " * (9 << 20)),
            "answered with more than 8 MiB: it is not a registry.",
        ),
        ((200, {"Content-Length": "10"}, b"{}"), "broke off in the middle of an answer."),
        (
            (302, {"Location": "http://elsewhere.example/"}, b""),
            "redirects to http://elsewhere.example, which is not encrypted.",
        ),
    ],
    ids=["limit with a time", "limit", "failure", "unknown status", "endless", "cut short", "redirect"],
)
def test_registries_in_trouble(script, answer, said, asked_of):
    """Each failure of a registry has its own message and counts as temporary."""
    script.answers["*"] = answer

    with pytest.raises(UnreachableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value) == f"{script.host} {said.format(host=script.host)}"


def test_a_proxy(script, monkeypatch, asked_of):
    """A remote registry is reached through HTTPS_PROXY, and a registry on this machine never is."""
    accepted = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse():
            connection, _ = proxy.accept()
            with connection:
                accepted.append(connection.recv(4096).partition(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 403 Blocked by policy\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("HTTP_PROXY", address)
        script.answers["*"] = 503, {}, b""
        with pytest.raises(UnreachableError, match="503"):
            asked_of(f"{script.host}/base:1")
        with pytest.raises(UnreachableError) as raised:
            asked_of("registry.invalid/base:1")
        thread.join()

    assert str(raised.value) == "registry.invalid cannot be reached: Tunnel connection failed: 403 Blocked by policy."
    assert accepted == [b"CONNECT registry.invalid:443 HTTP/1.0"]
