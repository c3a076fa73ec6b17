"""Run a worker: start the script, then answer requests until the server closes the connection."""

import gc
import json
import os
import select
import socket
import sys
from collections import deque
from typing import Deque, Iterator, List, Optional, Sequence

from mlpackage_runtime import frames
from mlpackage_runtime.contract import CANNOT_START, current, log
from mlpackage_runtime.lifetime import end_with_parent
from mlpackage_runtime.progress import Progress
from mlpackage_runtime.worker import memory
from mlpackage_runtime.worker.batches import Batches, Limits
from mlpackage_runtime.worker.bodies import Files
from mlpackage_runtime.worker.errors import StartError
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.response import Response
from mlpackage_runtime.worker.scoring import Scoring
from mlpackage_runtime.worker.starting import start
from mlpackage_runtime.worker.warm_up import warm_up

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
        self._number = 0  # of the response that was sent last

    def read(self) -> Optional[frames.Frame]:
        """Wait for the next frame; None when the server has closed the connection."""
        announced = False
        while not self._arrived:
            if self._parser.is_inside_frame and not announced:
                announced = True
                self.send(frames.RECEIVING)
            if not self._receive():
                return None
        return self._files.opened(self._arrived.popleft())

    def read_request(self) -> Optional[Request]:
        """Wait for the next request; None when the server has closed the connection."""
        while True:
            frame = self.read()
            if frame is None or frame.kind == frames.REQUEST:
                return _request(frame) if frame else None
            # The other is a CANCEL for a response that has ended in the meantime.

    def arrived_request(self, patience: float = 0.0) -> Optional[Request]:
        """Return the next request if it is there, or arrives in so many seconds; None otherwise."""
        while True:
            while self._arrived:
                frame = self._files.opened(self._arrived.popleft())
                if frame.kind == frames.REQUEST:
                    return _request(frame)
            if not self._poll.poll(patience * 1000) or not self._receive():
                return None

    def _receive(self) -> bool:
        try:
            data = self._socket.recv(min(max(self._parser.missing, LEAST_RECEIVED), MOST_RECEIVED))
        except ConnectionResetError:  # the server has ended, and had not read everything
            return False
        self._arrived.extend(self._parser.feed(data))
        return bool(data)

    def send(self, kind: int, head: Sequence[bytes] = (), body: bytes = b"") -> None:
        frames.send(self._socket.sendall, kind, head, body)

    def send_response(self, response: Response) -> None:
        self._number += 1
        head = [b"%d" % response.status, *response.headers]
        if not isinstance(response.body, bytes):
            self._send_stream(head, response.body)
        elif self._files.send(response.body):
            self.send(frames.RESPONSE_IN_FILE, head)
        else:
            self.send(frames.RESPONSE, head, response.body)

    def send_together(self, responses: Sequence[Response]) -> None:
        """Send responses that became known at the same time, with one write if none of them is a stream."""
        parts: List[bytes] = []
        for response in responses:
            if isinstance(response.body, bytes):
                self._number += 1
                frames.send(parts.append, frames.RESPONSE, [b"%d" % response.status, *response.headers], response.body)
            else:
                self._socket.sendall(b"".join(parts))
                parts.clear()
                self.send_response(response)
        self._socket.sendall(b"".join(parts))

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

    def is_closed(self) -> bool:
        """Return whether the server is gone, and take what else has arrived from it."""
        return bool(self._poll.poll(0)) and not self._receive()

    def _cancelled(self) -> bool:
        """Return whether the server no longer wants the rest of a response, or is gone."""
        if self.is_closed():
            return True
        number = b"%d" % self._number
        return any(frame.kind == frames.CANCEL and frame.head == [number] for frame in self._arrived)


def _request(frame: frames.Frame) -> Request:
    method, path, query, client, request_id, *headers = frame.head
    return Request(method, path, query, client, request_id, headers, frame.body)


def work(fd: int, files_fd: int, progress_fd: int) -> int:
    """Run a worker on inherited sockets, for frames and for files, with memory for its Progress; return a status."""
    end_with_parent()  # the server's end closes the socket, which a busy worker does not notice
    connection, progress = ServerConnection(fd, files_fd), Progress(progress_fd)
    os.close(progress_fd)
    first = connection.read()
    if first is None or connection.is_closed():  # the server may have ended before this process was tied to it
        return 0
    try:
        settings = frames.WorkerSettings(**json.loads(first.body))
        memory.limit(settings.worker_memory)
        started = start(settings)
    except StartError as error:
        connection.send(frames.FAILED, (), str(error).encode("utf-8", "backslashreplace"))
        return CANNOT_START
    if settings.warm_up:
        warm_up(started.scoring, started.run)
    log.info("Worker with pid %d ready for serving traffic", os.getpid())
    connection.send(frames.READY, (), json.dumps(started.description._asdict()).encode())
    # The objects that the script has loaded stay, so the collector need not visit them in every full collection.
    gc.collect()
    if sys.version_info >= (3, 7):
        gc.freeze()
    memory.limit(settings.worker_memory)
    if started.merging is not None:
        limits = Limits(settings.batching_max_rows, settings.batching_max_delay_ms / 1000)
        Batches(connection, started.scoring, started.merging, progress, limits).answer_requests()
    else:
        _answer_requests(connection, started.scoring)
    return 0


def _answer_requests(connection: ServerConnection, scoring: Scoring) -> None:
    while True:
        request = connection.read_request()
        if request is None:
            return
        current["request_id"] = request.request_id.decode("latin-1")
        response = scoring.respond(request)
        try:
            connection.send_response(response)
        except ConnectionError:
            return  # the server is gone, and nobody waits for the response
        current["request_id"] = ""
