"""Keep large bodies in files in memory, so that they lie there once for the server and a worker."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Callable, ClassVar, Iterator, Sequence, Union

from mlpackage_runtime import frames, memory_files

SLICE = 2**18
BLOCK = 512  # bytes, the unit of st_blocks
MOST = 64  # files that are open at once; further bodies lie in the server's own memory


class StoredBody:
    """A body in a file, of which the server holds a slice at a time. The file is closed with the last reference."""

    __slots__ = ("_fd", "_is_final", "_size")
    number: ClassVar[int] = 0

    def __init__(self, fd: int, size: int = 0) -> None:
        self._fd = fd
        self._size = size
        self._is_final = False
        StoredBody.number += 1

    def __len__(self) -> int:
        return self._size

    def append(self, part: bytes) -> None:
        """Add bytes; raises OSError, and then has those from before."""
        memory_files.write(self._fd, part)
        self._size += len(part)

    def slices(self) -> Iterator[bytes]:
        """Yield the bytes; none where it is closed."""
        at = 0
        while at < self._size and self._fd >= 0:
            part = os.pread(self._fd, min(SLICE, self._size - at), at)
            at += len(part)
            yield part

    def send(self, files: socket.socket) -> bool:
        """Send the file, which is complete, to a worker, and tell whether it is sent."""
        if self._fd < 0 or not self._finish():
            return False
        return memory_files.send(files, self._fd)

    def _finish(self) -> bool:
        """Keep a worker from changing what may go to another one."""
        if not self._is_final:
            with contextlib.suppress(OSError):
                memory_files.finish(self._fd)
                self._is_final = True
        return self._is_final

    def close(self) -> None:
        """Free the memory, once nobody else has the file open."""
        if self._fd >= 0:
            StoredBody.number -= 1
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


AnyBody = Union[bytes, StoredBody]
Parts = Union[Sequence[bytes], StoredBody]


def stored(parts: Sequence[bytes]) -> StoredBody | None:
    """Return a new file with these bytes, or None where there cannot be one."""
    if StoredBody.number >= MOST:
        return None
    try:
        body = StoredBody(memory_files.create())
        for part in parts:
            body.append(part)
    except OSError:
        return None
    return body


def send_request(write: Callable[[bytes], object], files: socket.socket, head: Sequence[bytes], parts: Parts) -> None:
    """Send a request to a worker, its body in a file where it lies in one."""
    if not isinstance(parts, StoredBody):
        frames.send_parts(write, frames.REQUEST, head, parts)
    elif parts.send(files):
        frames.send(write, frames.REQUEST_IN_FILE, head)
    else:
        frames.send_parts(write, frames.REQUEST, head, list(parts.slices()))


def received(files: socket.socket) -> AnyBody:
    """Return the body that a worker has sent in a file. Raises OSError where there is none.

    The worker runs the user's code. So the file must be one that nobody can change, which lies in memory as a whole.
    """
    fd = memory_files.receive(files)
    status = os.fstat(fd)
    if not memory_files.is_final(fd) or status.st_blocks * BLOCK < status.st_size:
        os.close(fd)
        raise OSError("the file is not one that the runtime has made")
    body = StoredBody(fd, status.st_size)
    if StoredBody.number <= MOST:
        return body
    whole = b"".join(body.slices())
    body.close()
    return whole


def slices(body: AnyBody) -> Iterator[bytes | memoryview]:
    """Yield a body in slices."""
    if isinstance(body, StoredBody):
        yield from body.slices()
        return
    view = memoryview(body)
    for at in range(0, len(body), SLICE):
        yield view[at : at + SLICE]
