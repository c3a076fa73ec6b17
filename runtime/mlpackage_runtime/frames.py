"""Define the frames that the server and a worker exchange over a socketpair.

A frame is a prefix, a head and a body. The prefix has a fixed size: one byte for the kind, the length of the head
(32 bits) and the length of the body (64 bits), in network order. The head is a list of byte strings joined by newlines.
A string with a newline is refused: it would be read as two, and a client could forge the fields behind it.
"""

import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

# From the server to a worker.
START = 1  # body: WorkerSettings, as JSON
REQUEST = 2  # head: method, path, query, client, request id, then header names and values in turn; body: the request's
REQUEST_IN_FILE = 14  # as REQUEST, but the body lies in the file that was sent before: memory_files.py
CANCEL = 10  # head: the number of a request, from 1 for each worker; the server no longer wants its streamed response

# From a worker to the server.
ORDER = 12  # head: places from 0 among the requests without a response; theirs come first, in this order
ALONE = 13  # the worker merges no requests any more
RECEIVING = 11  # a part of a request has arrived, and the rest has not: the worker has begun to read it
READY = 3  # body: Description, as JSON
FAILED = 4  # body: the reason why the script cannot start, as text, which the server logs once for all workers
RESPONSE = 5  # head: status, then header names and values in turn; body: the whole response
RESPONSE_IN_FILE = 15  # as RESPONSE, but the body lies in the file that was sent before
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
    decompressed_limit: int  # bytes; 0 for no limit
    compression_ratio: int  # 0 for no limit
    json_limit: int  # values; 0 for no limit
    worker_memory: int  # bytes; 0 for no limit
    batching_max_rows: int  # of merged requests together; 0 where none are merged
    batching_max_delay_ms: int
    log_format: str
    warm_up: bool
    service_name: str
    service_version: str
    service_path_prefix: str


class Description(NamedTuple):
    """What the server must know about a script; `swagger` maps each version to its document, or to None."""

    raw: bool = False
    merges: bool = False  # whether the worker merges requests
    swagger: Dict[str, Optional[str]] = {}  # noqa: RUF012 - never changed
    swagger_versions: Sequence[str] = ()


class Frame(NamedTuple):
    """One message: a kind, the strings of its head, and its body."""

    kind: int
    head: Sequence[bytes]
    body: bytes


def send(write: Callable[[bytes], object], kind: int, head: Sequence[bytes] = (), body: bytes = b"") -> None:
    """Write a frame with a function that takes all bytes it is given. Raises ValueError as pack_prefix() does."""
    prefix = pack_prefix(kind, head, len(body))
    if len(body) <= COPY_LIMIT:
        write(prefix + body)
    else:
        write(prefix)
        write(body)


def send_parts(write: Callable[[bytes], object], kind: int, head: Sequence[bytes], parts: Sequence[bytes]) -> None:
    """Write a frame whose body is in parts, without joining them. Raises ValueError as pack_prefix() does."""
    if len(parts) == 1:
        send(write, kind, head, parts[0])
        return
    write(pack_prefix(kind, head, sum(map(len, parts))))
    for part in parts:
        write(part)


def pack_prefix(kind: int, head: Sequence[bytes], body_length: int) -> bytes:
    """Return the bytes of a frame up to its body; raises ValueError for a head that would be read as another one."""
    packed = b"\n".join(head)
    if head and (not packed or packed.count(b"\n") != len(head) - 1):
        raise ValueError("a field of a frame's head contains a newline, or its only field is empty")
    return PREFIX.pack(kind, len(packed), body_length) + packed


class FrameParser:
    """Cuts a stream of bytes into frames as the bytes arrive.

    The parts of a large body are joined once, when the last of them is there.
    """

    def __init__(self) -> None:
        self._start = b""  # of a frame whose head is not complete
        # The kind and head of a frame whose body is not complete.
        self._awaited: Optional[Tuple[int, Sequence[bytes]]] = None
        self._parts: List[bytes] = []
        self._missing = 0

    @property
    def is_inside_frame(self) -> bool:
        """Whether a part of a frame has arrived, and the rest of it has not."""
        return self._awaited is not None or bool(self._start)

    @property
    def missing(self) -> int:
        """The number of bytes that an incomplete body lacks."""
        return self._missing

    def feed(self, data: bytes) -> List[Frame]:
        """Return the frames that `data` completes."""
        found: List[Frame] = []
        if self._awaited is not None:
            self._parts.append(data[: self._missing])
            data = data[self._missing :]
            self._missing -= len(self._parts[-1])
            if self._missing:
                return found
            found.append(Frame(*self._awaited, b"".join(self._parts)))
            self._awaited, self._parts = None, []
        self._cut(self._start + data if self._start else data, found)
        return found

    def _cut(self, data: bytes, found: List[Frame]) -> None:
        """Add the frames that are complete in `data`, and keep the beginning of the one that is not."""
        at = 0
        self._start = b""
        while len(data) - at >= PREFIX.size:
            kind, head_length, body_length = PREFIX.unpack_from(data, at)
            head_at = at + PREFIX.size
            body_at = head_at + head_length
            if body_at > len(data):
                break
            head = data[head_at:body_at].split(b"\n") if head_length else ()
            at = body_at + body_length
            if at > len(data):
                self._awaited, self._parts, self._missing = (kind, head), [data[body_at:]], at - len(data)
                return
            found.append(Frame(kind, head, data[body_at:at]))
        self._start = data[at:]
