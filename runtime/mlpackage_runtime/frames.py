"""The frames that the server and a worker exchange over a socketpair: the one module that both import.

A frame is a fixed prefix, a head and a body. The prefix is one byte of kind, the head's length (32 bits) and the
body's length (64 bits), in network order. A head is a list of byte strings joined by newlines: what it carries (a
method, a path, header names and values) cannot contain one, so packing and unpacking are a join and a split.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Sequence

# Server to worker.
START = 1  # head: nothing; body: the worker's settings as JSON
REQUEST = 2  # head: method, path, query, client, request id, then header names and values in turn; body: the request's
CANCEL = 10  # nobody reads the streamed response any more

# Worker to server.
READY = 3  # body: what the server has to know about the script, as JSON
FAILED = 4  # body: why the script cannot start, as text; the worker's log has the details
RESPONSE = 5  # head: status, then header names and values in turn; body: the whole response
STREAM = 6  # head as RESPONSE; the body follows in CHUNK frames
CHUNK = 7  # body: a part of a streamed response
END = 8  # the streamed response is complete
ABORT = 9  # the streamed response broke; the client must see it cut off

PREFIX = struct.Struct("!BIQ")


class Frame(NamedTuple):
    """One message: a kind, the strings of its head, and its body."""

    kind: int
    head: Sequence[bytes]
    body: bytes


def pack(kind: int, head: Sequence[bytes] = (), body: bytes = b"") -> bytes:
    """Return the bytes of a frame."""
    packed = b"\n".join(head)
    return PREFIX.pack(kind, len(packed), len(body)) + packed + body


def pack_prefix(kind: int, head: Sequence[bytes], body_length: int) -> bytes:
    """Return the bytes of a frame up to its body, so that a large body need not be copied."""
    packed = b"\n".join(head)
    return PREFIX.pack(kind, len(packed), body_length) + packed


class FrameParser:
    """Cuts a stream of bytes, as it arrives, into frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._wanted = PREFIX.size

    @property
    def missing(self) -> int:
        """How many bytes of the frame that is arriving are known to be on their way."""
        return self._wanted - self._held

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        Bytes of an incomplete frame are kept as they came and joined when it is whole, so that the pieces of a large
        body are not copied again and again.
        """
        if self._parts:
            self._parts.append(data)
            self._held += len(data)
            if self._held < self._wanted:
                return []
            data = b"".join(self._parts)
        found: list[Frame] = []
        at = 0
        while True:
            self._wanted = PREFIX.size
            self._held = len(data) - at
            if self._held < PREFIX.size:
                break
            kind, head_length, body_length = PREFIX.unpack_from(data, at)
            self._wanted += head_length + body_length
            if self._held < self._wanted:
                break
            head_at = at + PREFIX.size
            body_at = head_at + head_length
            at += self._wanted
            head = data[head_at:body_at].split(b"\n") if head_length else ()
            found.append(Frame(kind, head, data[body_at:at]))
        self._parts = [data[at:]] if self._held else []
        return found
