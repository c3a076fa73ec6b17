"""Read a wheel in place, and fetch only the needed parts of one on a server (RFC 9110, section 14)."""

from __future__ import annotations

import http.client
import io
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

from hatch_mlpackage.lock.remote.paced import Pace, Paced

LARGEST_METADATA = 1 << 20  # bytes
_MOST = 64 << 20  # bytes of one wheel: the table of contents of the largest ones takes a few million
_TIMEOUT = 10.0  # seconds of silence
PACE = Pace(head=10.0, window=10.0, most=30.0)
_LONGEST = 60.0  # seconds for one wheel
_PART = 65536  # bytes asked for at once; most wheels' METADATA and table of contents fit, which lie at the end


@contextmanager
def open_wheel(url: str) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Open a wheel on disk or on a server, and give its size in bytes.

    Raises zipfile.BadZipFile, or OSError if it cannot be read or if the server gives only whole files.
    """
    remote = url.startswith(("http://", "https://"))
    with io.BufferedReader(_Parts(url), _PART) if remote else _open(url) as file, zipfile.ZipFile(file) as archive:
        yield archive, file.seek(0, io.SEEK_END)


def ask_for_metadata(url: str) -> str:
    """Fetch the METADATA that an index serves beside a wheel (PEP 658)."""
    with _open(f"{url}.metadata") as answer:
        return str(answer.read(LARGEST_METADATA), "utf-8", "replace")


class _Parts(io.RawIOBase):
    """Read a file on a server by parts, its end first, because a zip archive has its table of contents there."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._position = 0
        self._size = 0
        self._read_in_all = 0
        self._until = time.monotonic() + _LONGEST
        try:
            self._end = self._read(f"bytes=-{_PART}")
        except HTTPError:  # this server counts only from the start
            self._end = self._read("bytes=0-0")[:0]

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        known_from = self._size - len(self._end)
        if self._position >= known_from:
            part = self._end[self._position - known_from : end - known_from]
        else:
            part = self._read(f"bytes={self._position}-{end - 1}")
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _read(self, span: str) -> bytes:
        if time.monotonic() > self._until:
            raise TimeoutError(f"the server takes more than {_LONGEST:.0f} seconds for the parts of one wheel")
        with _open(self._url, {"Range": span}) as answer:
            if answer.status != HTTPStatus.PARTIAL_CONTENT:
                raise OSError("the server gives whole files only")
            self._size = int(answer.headers.get("Content-Range", "").rpartition("/")[2])
            content: bytes = answer.read(_MOST - self._read_in_all + 1)
        self._read_in_all += len(content)
        if self._read_in_all > _MOST:
            raise OSError("the server gives more than was asked for")
        return content


def _open(url: str, headers: dict[str, str] | None = None) -> Any:
    if not url.startswith(("http://", "https://", "file://")):
        raise OSError(f"{url} is not read")
    opener = urllib.request.build_opener(_PlainHandler, _SecureHandler)
    return opener.open(urllib.request.Request(url, headers=headers or {}), timeout=_TIMEOUT)  # noqa: S310


class _Plain(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = Paced(self.sock, PACE)


class _Secure(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = Paced(self.sock, PACE)


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Plain, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Secure, req)
