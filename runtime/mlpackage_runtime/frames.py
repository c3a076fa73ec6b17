"""The frames that the server and a worker exchange over a socketpair: the one module that both import.

A frame is a fixed prefix, a head and a body. The prefix is one byte of kind, the head's length (32 bits) and the
body's length (64 bits), in network order. A head is a list of byte strings joined by newlines: what it carries (a
method, a path, header names and values) cannot contain one, so packing and unpacking are a join and a split.
"""

from __future__ import annotations

import struct
from typing import IO, Iterator, NamedTuple, Sequence

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


class FrameError(Exception):
    """The other side broke the protocol: there is no way to go on with it."""


def pack(kind: int, head: Sequence[bytes] = (), body: bytes = b"") -> bytes:
    """Return the bytes of a frame."""
    packed = b"\n".join(head)
    return PREFIX.pack(kind, len(packed), len(body)) + packed + body


def pack_prefix(kind: int, head: Sequence[bytes], body_length: int) -> bytes:
    """Return the bytes of a frame up to its body, so that a large body need not be copied."""
    packed = b"\n".join(head)
    return PREFIX.pack(kind, len(packed), body_length) + packed


def read(stream: IO[bytes]) -> Frame | None:
    """Read the next frame of a blocking stream, or return None where the other side has closed it."""
    prefix = stream.read(PREFIX.size)
    if not prefix:
        return None
    kind, head_length, body_length = PREFIX.unpack(_whole(prefix, PREFIX.size))
    head = _whole(stream.read(head_length), head_length).split(b"\n") if head_length else ()
    body = _whole(stream.read(body_length), body_length) if body_length else b""
    return Frame(kind, head, body)


def _whole(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise FrameError(f"the other side closed in the middle of a frame: {len(data)} of {length} bytes")
    return data


class FrameParser:
    """Cuts a stream of bytes, as it arrives, into frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._wanted = PREFIX.size

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes.

        Bytes of an incomplete frame are kept as they came and joined once, when the frame is whole, so that a body
        of any size costs one copy.
        """
        self._parts.append(data)
        self._held += len(data)
        while self._held >= self._wanted:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts = [data]
            kind, head_length, body_length = PREFIX.unpack_from(data)
            head_end = PREFIX.size + head_length
            self._wanted = head_end + body_length
            if self._held < self._wanted:
                return
            head = data[PREFIX.size : head_end].split(b"\n") if head_length else ()
            frame = Frame(kind, head, data[head_end : self._wanted])
            self._keep(data[self._wanted :])
            yield frame

    def _keep(self, rest: bytes) -> None:
        self._parts = [rest] if rest else []
        self._held = len(rest)
        self._wanted = PREFIX.size
