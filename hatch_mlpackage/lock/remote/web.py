"""Open a file on a web server, with every address and every redirect checked.

Written by hand on `http.client`: a library that follows redirects and resolves names itself cannot be held to them.
"""

from __future__ import annotations

import base64
import http.client
import netrc
import os
import ssl
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import Protocol
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from hatch_mlpackage import __version__
from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.remote.addresses import connect
from hatch_mlpackage.lock.remote.paced import Pace, Paced
from hatch_mlpackage.project.config.model_url import WEB, is_host

PACE = Pace()
_BROKEN_OFF = "The server broke off in the middle of the file."
_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PORTS = {"https": 443, "http": 80}


class Reader(Protocol):
    """What is read in parts until a part is empty."""

    def read(self, size: int, /) -> bytes: ...


class _Checked(http.client.HTTPConnection):
    """Connect to an allowed address, and with TLS for https."""

    def __init__(self, url: SplitResult, private_hosts: Collection[str]) -> None:
        super().__init__(url.hostname or "", url.port or _PORTS[url.scheme])
        self.default_port = _PORTS[url.scheme]  # the header `Host` leaves it out
        self._is_secure = url.scheme == "https"
        self._private_hosts = private_hosts

    def connect(self) -> None:
        self.sock = connect(self.host, self.port, self._private_hosts)
        if self._is_secure:
            # Closes the connection where the server cannot be trusted.
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
        self.sock = Paced(self.sock, PACE)


@contextmanager
def open_web(url: str, private_hosts: Collection[str]) -> Iterator[Reader]:
    """Open what a URL has, after any redirects.

    Raises FileNotFoundError where there is no such file, LockError for an address or a redirect that is refused,
    UnavailableError or OSError for everything else.
    """
    here = asked = urlsplit(url)
    for _ in range(_MOST_REDIRECTS):
        try:
            with closing(_Checked(here, private_hosts)) as connection, _answer(connection, here, asked) as answer:
                if answer.status not in _REDIRECTS:
                    _require_file(answer, here)
                    yield _Whole(answer)
                    return
                here = _redirected(here, answer.headers.get("Location", ""))
        except http.client.HTTPException as error:
            raise UnavailableError(f"{here.netloc} does not speak HTTP as expected: {type(error).__name__}.") from error
    raise LockError(f"{asked.netloc} redirects more than {_MOST_REDIRECTS} times.")


def _answer(connection: _Checked, here: SplitResult, asked: SplitResult) -> http.client.HTTPResponse:
    connection.request("GET", _target(here), headers=_headers(here, asked))
    return connection.getresponse()


def _target(url: SplitResult) -> str:
    query = f"?{quote(url.query, safe='%/:?@!$&()*+,;=~[]')}" if url.query else ""
    return quote(url.path or "/", safe="%/:@!$&()*+,;=~") + query


def _headers(here: SplitResult, asked: SplitResult) -> dict[str, str]:
    """Return the headers of a request; a login goes only to the declared host, and never unencrypted."""
    headers = {"User-Agent": f"hatch-mlpackage/{__version__}", "Accept-Encoding": "identity"}
    login = _login(here.hostname or "") if here[:2] == asked[:2] and here.scheme == "https" else ""
    return {**headers, "Authorization": login} if login else headers


def _login(host: str) -> str:
    """Return the login of a host in ~/.netrc or $NETRC; a `default` entry there would be sent to anyone."""
    try:
        found = netrc.netrc(os.environ.get("NETRC")).hosts.get(host)
    except (OSError, ValueError, netrc.NetrcParseError):
        return ""
    if found is None:
        return ""
    user, _, password = found
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _require_file(answer: http.client.HTTPResponse, url: SplitResult) -> None:
    if answer.status in _GONE:
        raise FileNotFoundError
    if answer.status in _REFUSED:
        raise UnavailableError(f"{url.netloc} refuses ({answer.status}). Name a login for its host in ~/.netrc.")
    if answer.status != HTTPStatus.OK:
        raise UnavailableError(f"{url.netloc} answers with status {answer.status}.")
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise UnavailableError(f"{url.netloc} sends the file encoded ({encoding}), though it was asked not to.")


def _redirected(here: SplitResult, location: str) -> SplitResult:
    """Return where a redirect leads, or raise LockError where a file must not come from there."""
    try:
        there = urlsplit(urljoin(here.geturl(), location))
        _ = there.port  # raises ValueError where it is no number
        host = there.hostname or ""
    except ValueError:
        raise LockError(f"{here.netloc} redirects to what is no URL.") from None
    kept = there.scheme == here.scheme or (here.scheme, there.scheme) == ("http", "https")
    if there.scheme not in WEB or not kept:
        raise LockError(f"{here.netloc} redirects from {here.scheme} to {there.scheme}, which is not followed.")
    if not is_host(host) or "@" in there.netloc:
        raise LockError(f"{here.netloc} redirects to a URL without a host or with a password in it.")
    return there


class _Whole:
    """Read an answer as it arrives, and notice when it ends before its length."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self._left = answer.length  # `read1` does not count it down with every Python

    def read(self, size: int, /) -> bytes:
        try:
            content = self._answer.read1(size if self._left is None else min(size, self._left))
        except http.client.IncompleteRead:
            raise UnavailableError(_BROKEN_OFF) from None
        if self._left is not None:
            if not content and self._left:
                raise UnavailableError(_BROKEN_OFF)
            self._left -= len(content)
        return content
