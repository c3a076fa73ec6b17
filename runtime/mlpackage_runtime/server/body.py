"""Read the body of a request up to a limit of bytes, and count the bytes of all bodies that wait."""

from __future__ import annotations

from typing import List

from mlpackage_runtime import memory_files
from mlpackage_runtime.server.asgi import TAKE, Message, Receive, Scope
from mlpackage_runtime.server.stored import Parts, StoredBody, stored

LEAST = 4096  # bytes of a part, where they arrive in smaller ones
FREE = 65536  # bytes; smaller bodies are not counted, so that large ones do not shut them out


class BodyTooLargeError(Exception):
    """The body is larger than the limit."""


class NoRoomError(Exception):
    """The bodies that wait already take as many bytes as they may."""


class ClientGoneError(Exception):
    """The client closed the connection, so nobody waits for a response."""


class Room:
    """The bytes that all bodies together may take while they arrive, wait for a worker, or leave as answers."""

    def __init__(self, limit: int) -> None:
        """Take the limit of bytes; 0 is no limit."""
        self._limit = limit
        self._taken = 0

    def take(self, size: int) -> None:
        """Count bytes of a request; raises NoRoomError where they are too many."""
        if self._limit and self._taken + size > self._limit:
            raise NoRoomError("Too many bytes of other requests are waiting.")
        self._taken += size

    def add(self, size: int) -> None:
        """Count bytes of an answer, which is there whether or not there is room for it."""
        self._taken += size

    def give_back(self, size: int) -> None:
        """Free counted bytes."""
        self._taken -= size


class Body:
    """The body of a request, in the parts in which it arrived, or in a file; `close` frees its bytes in the room."""

    def __init__(self, room: Room) -> None:
        self.size = 0
        self._parts: List[bytes] = []
        self._file: StoredBody | None = None
        self._may_be_stored = True
        self._room = room
        self._counted = 0

    @property
    def parts(self) -> Parts:
        """The parts, or the file, of what has arrived."""
        return self._parts if self._file is None else self._file

    def append(self, part: bytes) -> None:
        """Add a part; raises NoRoomError."""
        self.size += len(part)
        if self.size > FREE:
            uncounted = self.size - self._counted
            self._room.take(uncounted)
            self._counted += uncounted
        if self._file is None:
            self._add(part)
        else:
            self._write(self._file, part)

    def _add(self, part: bytes) -> None:
        if self._parts and len(self._parts[-1]) + len(part) <= LEAST:
            self._parts[-1] += part  # an object for each of many tiny parts would take many times their bytes
        else:
            self._parts.append(part)
        if self._may_be_stored and self.size >= memory_files.LEAST:
            self._file = stored(self._parts)
            self._may_be_stored = self._file is not None
            if self._file is not None:
                self._parts.clear()

    def _write(self, file: StoredBody, part: bytes) -> None:
        try:
            file.append(part)
        except OSError:  # no memory is left for files, or they may not be so large
            self._parts = [*file.slices(), part]
            self._may_be_stored = False
            self._file = None
            file.close()

    def close(self) -> None:
        """Drop the parts and the file, whoever else still holds them."""
        self._parts.clear()
        if self._file is not None:
            self._file.close()
        self._room.give_back(self._counted)
        self._counted = 0


async def read_body(scope: Scope, receive: Receive, limit: int, body: Body) -> None:
    """Read the whole body; a `limit` of 0 means no limit.

    Raises BodyTooLargeError at once, because the rest may be endless, and ClientGoneError. Before it raises
    NoRoomError, it lets the rest arrive and drops it, because many clients read no answer while they send.
    """
    reading = _Reading(limit, body)
    for name, value in scope["headers"]:
        if name == b"content-length":
            reading.check(int(value))
    scope[TAKE] = reading.take
    more = True
    while more:
        message: Message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        reading.take(message.get("body", b""))
        reading.check(reading.size)
        more = message.get("more_body", False)
    if reading.refused is not None:
        raise reading.refused


class _Reading:
    """A body that is being read, and whether there is room for it."""

    def __init__(self, limit: int, body: Body) -> None:
        self.size = 0
        self.refused: NoRoomError | None = None
        self._limit = limit
        self._body = body

    def take(self, part: bytes) -> bool:
        """Add a part, or drop it where there is no room; return False where the body is too large by now."""
        self.size += len(part)
        if self._is_over(self.size):
            return False
        if self.refused is None and (part or not self._body.size):
            try:
                self._body.append(part)
            except NoRoomError as error:
                self.refused = error
                self._body.close()
        return True

    def check(self, size: int) -> None:
        """Raise BodyTooLargeError for a size over the limit."""
        if self._is_over(size):
            raise BodyTooLargeError(f"The body must not exceed {self._limit} bytes.")

    def _is_over(self, size: int) -> bool:
        return 0 < self._limit < size
