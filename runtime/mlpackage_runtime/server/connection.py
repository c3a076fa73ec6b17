"""Read requests from a client: refuse what is ambiguous, too large or too slow, and never change the protocol.

uvicorn waits for ever for the rest of a request and for a client that takes no bytes, keeps heads and trailers of any
size, and loses the body of a request that asks for an upgrade. Here all of that has limits, in heads.py and pace.py.
"""

from __future__ import annotations

import asyncio
import fcntl
import termios
from functools import partial
from typing import Any, NamedTuple, Union

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mlpackage_runtime.server import half_closed, heads
from mlpackage_runtime.server.asgi import DIRECT, GONE, TAKE, Headers, Take
from mlpackage_runtime.server.direct import TARGET, DirectPath, DirectRequest
from mlpackage_runtime.server.heads import Refusal
from mlpackage_runtime.server.jobs import Reply
from mlpackage_runtime.server.pace import Arrival, Departure
from mlpackage_runtime.server.peers import Peers

PROBE_TIMEOUT = 5.0  # seconds that a connection of the reserve has for its request
LINGER = 0.5  # seconds for a request that is on its way when the server stops
PIPELINE_LIMIT = 100  # requests of one connection that wait for the answers to those before them

END_OF_HEAD = b"\r\n\r\n"
FRAMING = 16  # bytes that a byte of body may arrive with, itself included, as the smallest chunks need 6
BETWEEN, HEAD, BODY = range(3)  # what of a request is arriving; its trailers count as body

Cycle = Union[RequestResponseCycle, DirectRequest]


class Known(NamedTuple):
    """The head of a request that took the direct path, its headers, and the length of the request with its body."""

    head: bytes
    length: int
    headers: Headers


class RefusedRequest(Exception):  # noqa: N818 - stops the parser, which turns it into its own error
    """The request is refused, and the client already has the answer."""


class ClientConnection(HttpToolsProtocol):
    """A connection of uvicorn's to one client, with these limits."""

    receive_timeout = 30.0  # seconds; 0 for no limit
    peers = Peers(0, 0)
    direct_path: DirectPath | None = None
    cycle: Cycle | None  # type: ignore[assignment]  # of the newest request; None before the first

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._peer = self.client[0].encode() if self.client else b""
        self._has_place = self.peers.enter(self, self.client[0] if self.client else "")
        self._window = self.receive_timeout if self._has_place else PROBE_TIMEOUT
        self._arrival = Arrival(self._window)
        self._departure = Departure(self._window)
        self._arrival.begin_head(self.loop.time())
        self._idle_since = 0.0  # where it is idle
        self._phase = BETWEEN
        self._piece = 0  # bytes of the last piece of data
        self._began_in = 0  # bytes of the piece in which the request began
        self._overhead = 0  # bytes of later pieces that are neither body nor the framing that it may have
        self._trailers = 0
        self._refused = False
        self._completed = 0  # requests that the parser has read
        self._known: Known | None = None
        self._running: Cycle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watch()

    def give_way(self) -> None:
        """Close the connection, whose place is needed for a newer one."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._refused or self._is_answered_as_known(data):
            return
        begins, completed = self._phase == BETWEEN and not self._arrival.is_open, self._completed
        self._piece = len(data)
        self._overhead += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(Refusal(400, "Invalid HTTP request received."))
            return
        if begins and self._completed == completed + 1:
            self._remember(data)
        # Stray bytes between requests count as a head.
        if self._phase != BETWEEN or self.cycle is None or self.cycle.response_complete:
            self._wait_for_rest()

    def _remember(self, data: bytes) -> None:
        """Remember the head of data that was one whole request on the direct path."""
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        if isinstance(self.cycle, DirectRequest) and len(data) == end + len(self.cycle.body):
            self._known = Known(data[:end], len(data), self.headers)

    def _is_answered_as_known(self, data: bytes) -> bool:
        """Begin a request whose head has the bytes of one before it, which need not be parsed again."""
        known = self._known
        if known is None or len(data) != known.length or not data.startswith(known.head):
            return False
        if self._phase != BETWEEN or self._arrival.is_open or not self._takes_direct:
            return False
        request = self.direct_path and self.direct_path.begin(self, known.headers)
        if not request:
            return False
        self.headers = known.headers
        self.cycle = self._running = request
        request.body, request.more_body = data[len(known.head) :], False
        request.ask(self._peer)
        return True

    def _wait_for_rest(self) -> None:
        if self._phase == BODY and not self._arrival.is_in_body:
            self._arrival.begin_body(self.loop.time())
        elif not self._arrival.is_open:
            self._arrival.begin_head(self.loop.time())
        if self._overhead > heads.HEAD_LIMIT:
            self._refuse(Refusal(431, "The request's head or its trailers are too large."))

    def _feed(self, data: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._feed_upgrades(memoryview(data)[upgrade.args[0] :])

    def _feed_upgrades(self, data: memoryview) -> None:
        """Let a parser read the request that asks for an upgrade again, without the wish, and then what follows it."""
        version = self.parser.get_http_version()
        head = heads.without_upgrade(self.parser.get_method(), self.url, version, self.headers)
        self._piece = len(head) + len(data)
        self.parser = httptools.HttpRequestParser(self)  # the old one stops at a connection that is to close
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)
        if data:
            self._feed(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection where an answer is due: a client may close its own end and still read."""
        if self._phase != BETWEEN:
            self._refuse(Refusal(400, "The request is cut off."))
        if self.transport.is_closing() or self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        half_closed.watch(self.loop, self.transport, self._may_be_asked)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.peers.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        for cycle in (self._running, *(waiting for waiting, _ in self.pipeline)):
            if isinstance(cycle, DirectRequest):
                cycle.lose()
            elif cycle is not None:
                cycle.disconnected = True
                cycle.scope[GONE] = True  # type: ignore[literal-required]
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._arrival.end()  # of what came before it
        self._phase = HEAD
        self._began_in = self._piece
        self._overhead = 0
        self._trailers = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase == HEAD:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value.rstrip(b" \t")))  # optional white space is no part of a value
            return
        self._trailers += 1  # nobody reads trailers
        if self._trailers > heads.FIELDS_LIMIT:
            self._stop(Refusal(431, "The request has too many trailers."))

    def on_headers_complete(self) -> None:
        method = self.parser.get_method()
        if self.parser.should_upgrade() and method != b"CONNECT":
            return
        size = self._began_in + self._overhead
        refusal = heads.refusal(method, self.url, self.parser.get_http_version(), self.headers, size)
        if refusal is not None:
            self._stop(refusal)
        if len(self.pipeline) >= PIPELINE_LIMIT:
            self._stop(Refusal(503, "Too many requests were sent at once."))
        if not self._has_place and self.url.partition(b"?")[0] != b"/":
            self._stop(Refusal(503, "Too many connections are open."))
        direct = self._direct_request(method)
        if direct is not None:
            self.cycle = direct
        else:
            self.scope = self._new_scope(self.headers)
            super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle
        self._phase = BODY
        if self.cycle is not None and not (self._has_place and self.parser.should_keep_alive()):
            self.cycle.keep_alive = False  # older releases of uvicorn look at the version of HTTP alone

    def on_body(self, body: bytes) -> None:
        self._overhead = max(0, self._overhead - FRAMING * len(body))
        self._arrival.count(len(body))
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return
        if not cycle.body and not isinstance(cycle, DirectRequest):
            take: Take | None = cycle.scope.get(TAKE)  # type: ignore[assignment]
            if take is not None and take(body):
                return  # without a copy, and a switch to the application's task
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._phase == HEAD:  # of a request that asks for an upgrade, and is read again
            return
        super().on_message_complete()
        self._phase = BETWEEN
        self._overhead = 0
        self._arrival.end()
        self._completed += 1
        if isinstance(self.cycle, DirectRequest) and not self.cycle.response_complete:
            self.cycle.ask(self._peer)

    def _direct_request(self, method: bytes) -> DirectRequest | None:
        """Return the request on the direct path whose head was read, unless it has to take the normal one."""
        if self.direct_path is None or self.url != TARGET or method != b"POST" or not self._takes_direct:
            return None
        if self.expect_100_continue or self.parser.get_http_version() != "1.1":
            return None
        return self.direct_path.begin(self, self.headers)

    @property
    def _takes_direct(self) -> bool:
        free = self.cycle is None or self.cycle.response_complete
        return free and self._has_place and not self.flow.write_paused

    def send_direct(self, request: DirectRequest, reply: Reply) -> None:
        """Send the response to a request, if the client is still there."""
        request.response_started = request.response_complete = True
        if request.disconnected or self.direct_path is None:
            return
        default = self.server_state.default_headers
        self.transport.write(self.direct_path.response(request, reply, default))
        if not request.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def hand_over(self, request: DirectRequest) -> None:
        """Let the application respond to the request, by its outcome."""
        target = {"method": "POST", "path": TARGET.decode(), "raw_path": TARGET, "query_string": b""}
        scope: Any = {**self._new_scope(request.headers), **target, DIRECT: request}
        if request.disconnected:
            scope[GONE] = True
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=request.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.disconnected, cycle.more_body = request.disconnected, False
        if self.cycle is request:
            self.cycle = cycle
        if self._running is request:
            self._running = cycle
        task = self.loop.create_task(cycle.run_asgi(self.app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _new_scope(self, headers: Headers) -> Any:
        return {
            "type": "http",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "headers": headers,
            "state": self.app_state.copy(),
        }

    def on_response_complete(self) -> None:
        self._departure.grew()
        if not self.pipeline and not self.transport.is_closing():  # most answers need no timer of uvicorn's
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self._idle_since = self.loop.time()
            return
        if not self.transport.is_closing():
            self._running = self.pipeline[-1][0]
            if self._phase == BODY:
                self._arrival.begin_body(self.loop.time())  # its body could not arrive before
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._departure.grew()
        super().resume_writing()

    def shutdown(self, *, lingered: bool = False) -> None:
        """Close the connection as soon as no answer is due; a request that is still arriving gets one too."""
        if self.transport.is_closing():
            return
        running = self._running
        if self._phase == HEAD:
            self._refuse(Refusal(503, "The server is shutting down."))
        elif running is not None and not running.response_complete:
            super().shutdown()
        elif self._has_unread() or (running is None and not lingered):
            self.loop.call_later(LINGER, partial(self.shutdown, lingered=True))  # the answer to what comes closes it
        else:
            self.transport.close()

    def _has_unread(self) -> bool:
        size = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, b"\0" * 4)
        return any(size)

    def _watch(self) -> None:
        # One timer serves the whole connection: it is set again for what ends next.
        now = self.loop.time()
        idle = self._idle_since + self.timeout_keep_alive - now if self._is_idle else self.timeout_keep_alive
        rest = self._arrival.remaining(now) if self._window else idle
        self._timer = self.loop.call_later(min(idle, rest), self._check_pace)

    @property
    def _is_idle(self) -> bool:
        return not self._arrival.is_open and self.cycle is not None and self.cycle.response_complete

    def _check_pace(self) -> None:
        running = self._running
        streams = running is not None and running.response_started and not running.response_complete
        if streams and not self.flow.write_paused:
            self._departure.grew()
        now = self.loop.time()
        if self._window and self._departure.too_slow(self.transport.get_write_buffer_size(), now):
            self.transport.abort()
            return
        if self._is_idle and now >= self._idle_since + self.timeout_keep_alive:
            self.transport.close()
            return
        if self.pipeline and self._arrival.is_open:
            self._arrival.begin_body(now)  # nothing is read while requests wait for their turn
        elif self._window and self._arrival.too_slow(now):
            self._refuse_late()
        self._watch()

    def _refuse_late(self) -> None:
        if self._phase == BETWEEN and self.cycle is not None:  # stray bytes behind an answered request
            self._refused = True
            self.transport.close()
        else:
            self._refuse(Refusal(408, "The request did not arrive in time."))

    def _may_be_asked(self) -> bool:
        cycle = self._running
        return cycle is not None and not cycle.response_started and cycle.scope["http_version"] != "1.0"

    def _stop(self, refusal: Refusal) -> None:
        self._refuse(refusal)
        raise RefusedRequest

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what cannot become a request and close the connection, after any response that is still due."""
        self._arrival.end()
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        own = self.cycle if self._phase == BODY else None
        if own is not None and self.pipeline:
            self.pipeline.popleft()
        last = self.pipeline[0][0] if self.pipeline else self._running
        if last is not None and last is not own and not last.response_complete:
            last.keep_alive = False
            return
        if own is None or not own.response_started:
            self.transport.write(refusal.response())
        self.transport.close()
