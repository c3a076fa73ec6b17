"""Send one HTTP request to a registry by hand: locks are also made without the extra `cli` and its HTTP library."""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from hatch_mlpackage.errors import UnavailableError
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.lock.images.reference import is_loopback

SECONDS = 20.0  # of silence, and for each address of a host to take a connection
SECONDS_IN_ALL = 45.0  # a host has many addresses, and one that sends a byte now and then is never silent
_LARGEST = 8 << 20  # bytes; registries refuse manifests above 4 MiB
# Where engines look for the certificate authorities of single registries: <folder>/<host:port>/*.crt
CERTIFICATES = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"), Path("~/.config/containers/certs.d"))


class UnreachableError(UnavailableError):
    """Report a registry that cannot be asked now: another run may succeed with the same project."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer of a server, which may be an error status."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Return the body parsed as JSON, or None where it is not JSON."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None


def exchange(
    url: str, *, method: str = "GET", headers: Mapping[str, str], authorization: str = "", data: bytes | None = None
) -> Answer:
    """Send a request and read the answer, with the proxies and certificate authorities of the environment.

    Raises UnreachableError.
    """
    request = urllib.request.Request(url, method=method, headers=dict(headers), data=data)  # noqa: S310 - as checked
    if authorization:
        # Not sent on when the registry redirects to a store of blobs on another host.
        request.add_unredirected_header("Authorization", authorization)
    outcome: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
    # A daemon thread that is left behind after its time does not keep the program from ending.
    threading.Thread(target=lambda: outcome.put(_try(request)), daemon=True).start()
    try:
        answer = outcome.get(timeout=SECONDS_IN_ALL)
    except queue.Empty:
        raise UnreachableError(
            f"{_host(request)} did not answer completely within {SECONDS_IN_ALL:g} seconds."
        ) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _try(request: urllib.request.Request) -> Answer | Exception:
    """Return what `_send` returns or raises."""
    try:
        return _send(request)
    except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
        return error


def _send(request: urllib.request.Request) -> Answer:
    host = _host(request)
    try:
        with _opener(host).open(request, timeout=SECONDS) as response:
            return _read(request, response.status, response.headers, response)
    except urllib.error.HTTPError as error:
        with error:
            return _read(request, error.code, error.headers, error)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"{host} cannot be reached: {_reason(error, host)}") from None


def _host(request: urllib.request.Request) -> str:
    """Return the host in the URL, because the request's own `host` may be a proxy's."""
    return urlsplit(request.full_url).netloc


def _read(request: urllib.request.Request, status: int, headers: Message, stream: IO[bytes]) -> Answer:
    body = stream.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise UnreachableError(f"{_host(request)} answered with more than {_LARGEST >> 20} MiB: it is not a registry.")
    promised = headers.get("Content-Length", "")
    if request.get_method() != "HEAD" and promised.isdigit() and len(body) < int(promised):
        raise UnreachableError(f"{_host(request)} broke off in the middle of an answer.")
    return Answer(status=status, headers=headers, body=body)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from an encrypted address to a plain one."""

    def redirect_request(  # noqa: PLR0917 - the base class's own
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        target = urlsplit(newurl)
        if target.scheme != "https" and not is_loopback(target.netloc):
            fp.close()
            raise UnreachableError(
                f"{req.host} redirects to {target.scheme}://{target.netloc}, which is not encrypted."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(host: str) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    for folder in CERTIFICATES:
        for certificate in sorted((folder.expanduser() / host).glob("*.crt")):
            context.load_verify_locations(certificate)
    # Like the engines, ask no proxy for what is on this machine.
    proxies = urllib.request.ProxyHandler({} if is_loopback(host) else None)
    return urllib.request.build_opener(proxies, _SafeRedirects(), urllib.request.HTTPSHandler(context=context))


def _reason(error: Exception, host: str) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({cause.verify_message}). Name the authority's certificate in "
            f"SSL_CERT_FILE, or put it at {CERTIFICATES[0]}/{host}/ca.crt."
        )
    if isinstance(cause, ssl.SSLError):
        return f"it does not speak TLS as expected ({cause.reason}). Plain HTTP is used on loopback addresses only."
    if isinstance(cause, TimeoutError):
        return f"no answer within {SECONDS:g} seconds."
    if isinstance(cause, socket.gaierror):
        return f"its name cannot be resolved ({cause.strerror})."
    return f"{getattr(cause, 'strerror', None) or cause}."
