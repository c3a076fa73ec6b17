"""Take the large bodies of requests out of files, and put those of responses into files."""

import os
import socket
from typing import Optional

from mlpackage_runtime import memory_files
from mlpackage_runtime.frames import REQUEST, REQUEST_IN_FILE, Frame


class Files:
    """The worker's end of the socketpair for files."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)  # noqa: FBT003 - positional only
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)  # noqa: FBT003 - a file comes before the frame that announces it
        self._spare: Optional[int] = os.dup(fd)  # a script may use up all descriptors, and needs none for its request

    def opened(self, frame: Frame) -> Frame:
        """Return a frame that has its body. Raises OSError where the file of a body cannot be had."""
        if frame.kind != REQUEST_IN_FILE:
            return frame
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        fd = memory_files.receive(self._socket)
        try:
            body = _contents(fd)
        finally:
            os.close(fd)
            self._keep_spare()
        return Frame(REQUEST, frame.head, body)

    def _keep_spare(self) -> None:
        try:
            self._spare = os.dup(self._socket.fileno())
        except OSError:
            self._spare = None  # a thread of the script was faster

    def send(self, body: bytes) -> bool:
        """Send a body as a file if it is large, and tell whether it is sent."""
        if len(body) < memory_files.LEAST:
            return False
        try:
            fd = memory_files.create()
        except OSError:
            return False
        try:
            memory_files.write(fd, body)
            memory_files.finish(fd)
            return memory_files.send(self._socket, fd)
        except OSError:
            return False
        finally:
            os.close(fd)


def _contents(fd: int) -> bytes:
    size = os.fstat(fd).st_size
    first = os.pread(fd, size, 0)
    if len(first) == size:
        return first
    parts = [first]  # a call reads 2 GiB at most
    at = len(first)
    while at < size:
        parts.append(os.pread(fd, size - at, at))
        at += len(parts[-1])
    return b"".join(parts)
