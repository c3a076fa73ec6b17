"""Pass large bodies between the server and a worker in files that lie in memory, by a socketpair of their own.

A body in a frame is copied into a socket and out of it in pieces, and joined. A file is written once and read once. Its
descriptor is sent first; then a frame says so, and the descriptors come in the order of those frames. The files need no
folder and no /dev/shm. Where the kernel refuses one (macOS has none, a container may forbid them, a limit may be
reached), the functions raise OSError or return False, and the body goes in a frame.
"""

import errno
import functools
import os
import socket
import struct
from fcntl import fcntl
from typing import Callable

LEAST = 4 * 2**20  # bytes; a smaller body is faster in a frame, because its pages are used again and again

BODY = b"mlpackage-body"  # the name that the system shows
CLOSE_ON_EXEC, ALLOW_SEALING, NOT_EXECUTABLE = 1, 2, 8  # flags of memfd_create()
ADD_SEALS, GET_SEALS = 1033, 1034  # Python names these and the seals from 3.8 on
FINAL = 1 | 2 | 4 | 8  # the seals that nobody can add another, shrink the file, let it grow, or write to it
DESCRIPTOR = struct.Struct("i")


@functools.lru_cache(maxsize=None)
def _memfd_create() -> Callable[[bytes, int], int]:
    """Return memfd_create(), which raises OSError; interpreters built for any distribution have none of their own."""
    try:
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).memfd_create
    except (ImportError, AttributeError):  # an interpreter without libffi, or a library for an older kernel
        return _impossible

    def create(name: bytes, flags: int) -> int:
        made = call(name, flags)
        if made < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return int(made)

    return create


def _impossible(_: bytes, __: int) -> int:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def create(name: bytes = BODY) -> int:
    """Return the descriptor of a new file in memory. Raises OSError."""
    try:
        return _memfd_create()(name, CLOSE_ON_EXEC | NOT_EXECUTABLE)  # such files allow seals
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return _memfd_create()(name, CLOSE_ON_EXEC | ALLOW_SEALING)  # the kernel is older than 6.3


def write(fd: int, data: bytes) -> None:
    """Append bytes to a file. Raises OSError, after which an unknown part of them is written."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def finish(fd: int) -> None:
    """Let nobody change a file any more. Raises OSError."""
    fcntl(fd, ADD_SEALS, FINAL)


def is_final(fd: int) -> bool:
    """Tell whether nobody can change a file any more; a pipe, a device or a file on a disk can never be final."""
    try:
        return bool(fcntl(fd, GET_SEALS) & FINAL == FINAL)
    except OSError:
        return False


def send(files: socket.socket, fd: int) -> bool:
    """Send a descriptor, and tell whether it is sent: the socket may be full, or closed."""
    try:
        return files.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, DESCRIPTOR.pack(fd))]) == 1
    except OSError:
        return False


def receive(files: socket.socket) -> int:
    """Return the next descriptor, which is the caller's to close. Raises OSError where there is none."""
    room = socket.CMSG_LEN(DESCRIPTOR.size)  # for one, and the kernel closes what else a message has
    _, received, _, _ = files.recvmsg(1, room, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
    for level, kind, data in received:
        if (level, kind, len(data)) == (socket.SOL_SOCKET, socket.SCM_RIGHTS, DESCRIPTOR.size):
            return int(DESCRIPTOR.unpack(data)[0])
    raise OSError(errno.EBADF, "the other process sent no file, or this one can open no more")
