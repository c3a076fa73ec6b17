"""Find out whether a client that has closed its own end of a connection still reads.

A client may close its end after its request and wait for the answer. One that has gone altogether looks the same until
something is written to it: then its machine answers with a reset.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Callable

ASK_AFTER = 0.05  # seconds, in which most requests are answered
NOTICE_AFTER = 0.25
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"  # an interim response, which clients skip


def watch(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, may_ask: Callable[[], bool]) -> None:
    """Write an interim response where `may_ask` allows it in a moment, and end the connection when a reset comes."""

    def ask() -> None:
        if may_ask() and not transport.is_closing():
            transport.write(CONTINUE)
            loop.call_later(ASK_AFTER, notice)

    def notice() -> None:
        # The loop does not poll a connection of which it has read the end.
        if transport.is_closing():
            return
        if transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            transport.abort()
        else:
            loop.call_later(NOTICE_AFTER, notice)

    loop.call_later(ASK_AFTER, ask)
