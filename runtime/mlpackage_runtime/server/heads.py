"""Check the head of a request, where HTTP leaves open what a sender could mean.

Two programs that read the same bytes as different requests let a client hide one request in another. The server
refuses what RFC 9112 tells it to refuse, and closes the connection.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import NamedTuple, Sequence, Tuple

HEAD_LIMIT = 65536
FIELD_LIMIT = 8190
FIELDS_LIMIT = 100
TARGET_LIMIT = 8190

VERSIONS = ("1.1", "1.0")
HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]*")  # RFC 3986, without the comma that joins repeated fields

Fields = Sequence[Tuple[bytes, bytes]]


class Refusal(NamedTuple):
    """An answer to a request that is not passed on; the connection is closed after it."""

    status: int
    message: str

    def response(self) -> bytes:
        """Return the bytes of the answer."""
        body = json.dumps({"message": self.message}).encode()
        retry = "retry-after: 1\r\n" if self.status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-ms-run-function-failed: False\r\n{retry}connection: close\r\n\r\n"
        )
        return head.encode() + body


def refusal(method: bytes, target: bytes, version: str, fields: Fields, size: int) -> Refusal | None:
    """Return why a head is refused, or None; `size` is an upper bound of its bytes, and names are in lower case."""
    if len(target) > TARGET_LIMIT:
        return Refusal(414, "The request's target is too long.")
    # A head of few bytes cannot break the other limits.
    if len(fields) > FIELDS_LIMIT or (size > FIELD_LIMIT and _has_large_fields(fields)):
        return Refusal(431, "The request has too many header fields, or too large ones.")
    if version not in VERSIONS:
        return Refusal(400, "The server speaks HTTP/1.1.")
    if method == b"CONNECT":
        return Refusal(405, "The server is not a proxy.")
    return _ambiguity(version, fields)


def _ambiguity(version: str, fields: Fields) -> Refusal | None:
    names = [name for name, _ in fields]
    if b"transfer-encoding" in names:
        codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
        if codings != [b"chunked"] or version == "1.0":
            return Refusal(400, "The only transfer encoding is chunked, in HTTP/1.1.")
    hosts = names.count(b"host")
    if hosts > 1 or (not hosts and version == "1.1"):
        return Refusal(400, "The request needs exactly one Host header.")
    if hosts and HOST.fullmatch(fields[names.index(b"host")][1]) is None:
        return Refusal(400, "The Host header is not the name of a host.")
    return None


def without_upgrade(method: bytes, target: bytes, version: str, fields: Fields) -> bytes:
    """Return the bytes of a head without its wish to change the protocol, which a server may ignore."""
    lines = [b"%s %s HTTP/%s" % (method, target, version.encode())]
    for name, value in fields:
        if name == b"connection":
            kept = [option.strip() for option in value.split(b",") if option.strip().lower() != b"upgrade"]
            lines.append(b"connection: " + b", ".join(kept))
        elif name != b"upgrade":
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])


def _has_large_fields(fields: Fields) -> bool:
    sizes = [len(name) + len(value) for name, value in fields]
    return max(sizes, default=0) > FIELD_LIMIT or sum(sizes) > HEAD_LIMIT
