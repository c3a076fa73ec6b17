"""Count the requests that have no response yet, so that the server can wait for the last of them when it stops."""

from __future__ import annotations

import asyncio


class Flights:
    """The number of requests that the server works on."""

    def __init__(self) -> None:
        self._number = 0
        self._landed = asyncio.Event()

    def begin(self) -> None:
        self._number += 1

    def end(self) -> None:
        self._number -= 1
        if not self._number:
            self._landed.set()

    async def wait_until_none(self) -> None:
        """Return when every request that had begun has ended, or those that began meanwhile."""
        self._landed.clear()
        if self._number:
            await self._landed.wait()
