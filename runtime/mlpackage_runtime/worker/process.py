"""Run a worker: start the script, then answer requests until the server closes the connection."""

import gc
import json
import os
import select
import socket
import sys
from collections import deque
from typing import Deque, Iterator, Optional, Sequence

from mlpackage_runtime import frames
from mlpackage_runtime.contract import CANNOT_START, current, log
from mlpackage_runtime.lifetime import end_with_parent
from mlpackage_runtime.worker import memory
from mlpackage_runtime.worker.bodies import Files
from mlpackage_runtime.worker.errors import StartError
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.response import Response
from mlpackage_runtime.worker.scoring import Scoring
from mlpackage_runtime.worker.starting import start

LEAST_RECEIVED = 16384  # a buffer of the largest size would cost more than a small request
MOST_RECEIVED = 1 << 20


class ServerConnection:
    """The worker's end of the socketpair, and of the one for files."""

    def __init__(self, fd: int, files_fd: int) -> None:
        os.set_inheritable(fd, False)  # noqa: FBT003 - positional only
        self._socket = socket.socket(fileno=fd)
        self._socket.settimeout(None)
        self._files = Files(files_fd)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._parser = frames.FrameParser()
        self._arrived: Deque[frames.Frame] = deque()
        self._number = 0  # of the request that was read last

    def read(self) -> Optional[frames.Frame]:
        """Wait for the next frame; None when the server has closed the connection."""
        announced = False
        while not self._arrived:
            if self._parser.is_inside_frame and not announced:
                announced = True
                self.send(frames.RECEIVING)
            if not self._receive():
                return None
        frame = self._files.opened(self._arrived.popleft())
        self._number += frame.kind == frames.REQUEST
        return frame

    def _receive(self) -> bool:
        data = self._socket.recv(min(max(self._parser.missing, LEAST_RECEIVED), MOST_RECEIVED))
        self._arrived.extend(self._parser.feed(data))
        return bool(data)

    def send(self, kind: int, head: Sequence[bytes] = (), body: bytes = b"") -> None:
        frames.send(self._socket.sendall, kind, head, body)

    def send_response(self, response: Response) -> None:
        head = [b"%d" % response.status, *response.headers]
        if not isinstance(response.body, bytes):
            self._send_stream(head, response.body)
        elif self._files.send(response.body):
            self.send(frames.RESPONSE_IN_FILE, head)
        else:
            self.send(frames.RESPONSE, head, response.body)

    def _send_stream(self, head: Sequence[bytes], parts: Iterator[bytes]) -> None:
        self.send(frames.STREAM, head)
        try:
            for part in parts:
                if self._cancelled():
                    break
                self.send(frames.CHUNK, (), part)
        except Exception:
            log.exception("The streamed response broke off")
            self.send(frames.ABORT)
        else:
            self.send(frames.END)
        finally:
            parts.close()  # type: ignore[attr-defined]  # ends the script's generator

    def _cancelled(self) -> bool:
        """Return whether the server no longer wants the rest of a response, or is gone."""
        if self._poll.poll(0) and not self._receive():
            return True
        number = b"%d" % self._number
        return any(frame.kind == frames.CANCEL and frame.head == [number] for frame in self._arrived)


def work(fd: int, files_fd: int) -> int:
    """Run a worker on two inherited sockets, for frames and for files, and return its exit status."""
    end_with_parent()  # the server's end closes the socket, which a busy worker does not notice
    connection = ServerConnection(fd, files_fd)
    first = connection.read()
    if first is None:
        return 0
    try:
        settings = frames.WorkerSettings(**json.loads(first.body))
        memory.limit(settings.worker_memory)
        started = start(settings)
    except StartError as error:
        connection.send(frames.FAILED, (), str(error).encode("utf-8", "backslashreplace"))
        return CANNOT_START
    # The objects that the script has loaded stay, so the collector need not visit them in every full collection.
    gc.collect()
    if sys.version_info >= (3, 7):
        gc.freeze()
    memory.limit(settings.worker_memory)
    log.info("Worker with pid %d ready for serving traffic", os.getpid())
    connection.send(frames.READY, (), json.dumps(started.description._asdict()).encode())
    return _answer_requests(connection, started.scoring)


def _answer_requests(connection: ServerConnection, scoring: Scoring) -> int:
    while True:
        frame = connection.read()
        if frame is None:
            return 0
        if frame.kind != frames.REQUEST:
            continue  # a CANCEL for a response that has ended in the meantime
        method, path, query, client, request_id, *headers = frame.head
        current["request_id"] = request_id.decode("latin-1")
        request = Request(method, path, query, client, request_id, headers, frame.body)
        response = scoring.respond(request)
        try:
            connection.send_response(response)
        except ConnectionError:
            return 0  # the server is gone, and nobody waits for the response
        current["request_id"] = ""
