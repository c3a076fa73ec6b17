"""Define the frames that the server and a worker exchange over a socketpair.

A frame is a prefix, a head and a body. The prefix has a fixed size: one byte for the kind, the length of the head
(32 bits) and the length of the body (64 bits), in network order. The head is a list of byte strings joined by newlines:
it carries methods, paths, and names and values of headers, and none of them can contain a newline.
"""

from __future__ import annotations

import struct
from typing import Callable, NamedTuple, Sequence

# From the server to a worker.
START = 1  # body: WorkerSettings, as JSON
REQUEST = 2  # head: method, path, query, client, request id, then header names and values in turn; body: the request's
CANCEL = 10  # nobody reads the streamed response any more

# From a worker to the server.
READY = 3  # body: Description, as JSON
FAILED = 4  # body: the reason why the script cannot start, as text; the worker's log has the details
RESPONSE = 5  # head: status, then header names and values in turn; body: the whole response
STREAM = 6  # head: as of RESPONSE; the body follows in CHUNK frames
CHUNK = 7  # body: a part of a streamed response
END = 8  # the streamed response is complete
ABORT = 9  # the streamed response broke off, and the client must notice

PREFIX = struct.Struct("!BIQ")
COPY_LIMIT = 65536  # a larger body is written on its own, because copying it behind its head would cost more


class WorkerSettings(NamedTuple):
    """The settings that a worker needs; an empty string stands for a setting that is not set."""

    app_root: str
    entry_script: str
    source_directory: str
    model_dir: str
    body_limit: int
    log_format: str
    service_name: str
    service_version: str
    service_path_prefix: str


class Description(NamedTuple):
    """What the server must know about a script; `swagger` maps each version to its document, or to None."""

    raw: bool = False
    swagger: dict[str, str | None] = {}  # noqa: RUF012 - never changed
    swagger_versions: Sequence[str] = ()


class Frame(NamedTuple):
    """One message: a kind, the strings of its head, and its body."""

    kind: int
    head: Sequence[bytes]
    body: bytes


def send(write: Callable[[bytes], object], kind: int, head: Sequence[bytes] = (), body: bytes = b"") -> None:
    """Write a frame with a function that takes all bytes it is given."""
    prefix = pack_prefix(kind, head, len(body))
    if len(body) <= COPY_LIMIT:
        write(prefix + body)
    else:
        write(prefix)
        write(body)


def pack_prefix(kind: int, head: Sequence[bytes], body_length: int) -> bytes:
    """Return the bytes of a frame up to its body."""
    packed = b"\n".join(head)
    return PREFIX.pack(kind, len(packed), body_length) + packed


class FrameParser:
    """Cuts a stream of bytes into frames as the bytes arrive."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._wanted = PREFIX.size

    @property
    def missing(self) -> int:
        """The number of bytes that the incomplete frame is known to lack."""
        return self._wanted - self._held

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        The parser keeps the pieces of an incomplete frame and joins them when the frame is complete, because joining
        them at each arrival would copy a large body again and again.
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
