"""Read the body of a request up to a limit of bytes, and count the bytes of all bodies that wait."""

from __future__ import annotations

from typing import List

from mlpackage_runtime.server.asgi import Message, Receive, Scope

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
    """The body of a request, in the parts in which it arrived; `close` frees its bytes in the room."""

    def __init__(self, room: Room) -> None:
        self.parts: List[bytes] = []
        self.size = 0
        self._room = room
        self._counted = 0

    def append(self, part: bytes) -> None:
        """Add a part; raises NoRoomError."""
        if self.parts and len(self.parts[-1]) + len(part) <= LEAST:
            self.parts[-1] += part  # an object for each of many tiny parts would take many times their bytes
        else:
            self.parts.append(part)
        self.size += len(part)
        if self.size > FREE:
            uncounted = self.size - self._counted
            self._room.take(uncounted)
            self._counted += uncounted

    def close(self) -> None:
        """Drop the parts, whoever else still holds their list."""
        self.parts.clear()
        self._room.give_back(self._counted)
        self._counted = 0


async def read_body(scope: Scope, receive: Receive, limit: int, body: Body) -> None:
    """Read the whole body; a `limit` of 0 means no limit.

    Raises BodyTooLargeError at once, because the rest may be endless, and ClientGoneError. Before it raises
    NoRoomError, it lets the rest arrive and drops it, because many clients read no answer while they send.
    """
    for name, value in scope["headers"]:
        if name == b"content-length":
            _check_size(int(value), limit)
    size = 0
    refused: NoRoomError | None = None
    more = True
    while more:
        message: Message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        _check_size(size, limit)
        if refused is None and (part or not body.parts):
            try:
                body.append(part)
            except NoRoomError as error:
                refused = error
                body.close()
        more = message.get("more_body", False)
    if refused is not None:
        raise refused


def _check_size(size: int, limit: int) -> None:
    if limit and size > limit:
        raise BodyTooLargeError(f"The body must not exceed {limit} bytes.")
