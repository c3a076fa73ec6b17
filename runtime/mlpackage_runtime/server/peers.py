"""Limit the connections, in total and for each peer, and keep a reserve for health probes."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

RESERVE = 64
RESERVE_FOR_PEER = 8


class Guest(Protocol):
    """A connection that the server can close."""

    def give_way(self) -> None: ...


class Peers:
    """Gives every connection a place; the places of the reserve are for probes alone.

    A connection beyond the limits gets a place of the reserve. Where its peer has RESERVE_FOR_PEER of them, or all are
    taken, the oldest gives way: so a flood pushes out its own connections, and a probe gets an answer.
    """

    def __init__(self, limit: int, limit_for_peer: int) -> None:
        """Take the limits of connections; 0 is no limit."""
        self._limit = limit
        self._limit_for_peer = limit_for_peer
        self._places: dict[Guest, str] = {}
        self._counts: Counter[str] = Counter()
        self._reserve: dict[Guest, str] = {}  # the oldest first

    def enter(self, guest: Guest, peer: str) -> bool:
        """Give a connection a place; return whether it is a full one, and not one of the reserve."""
        within_total = not self._limit or len(self._places) < self._limit
        if within_total and (not self._limit_for_peer or self._counts[peer] < self._limit_for_peer):
            self._places[guest] = peer
            self._counts[peer] += 1
            return True
        self._make_room(peer)
        self._reserve[guest] = peer
        return False

    def leave(self, guest: Guest) -> None:
        """Free the place of a connection that is lost."""
        self._reserve.pop(guest, None)
        peer = self._places.pop(guest, None)
        if peer is not None:
            self._counts[peer] -= 1
            if not self._counts[peer]:
                del self._counts[peer]

    def _make_room(self, peer: str) -> None:
        of_peer = [guest for guest, its_peer in self._reserve.items() if its_peer == peer]
        if len(of_peer) >= RESERVE_FOR_PEER:
            self._push_out(of_peer[0])
        elif len(self._reserve) >= RESERVE:
            self._push_out(next(iter(self._reserve)))

    def _push_out(self, guest: Guest) -> None:
        del self._reserve[guest]
        guest.give_way()
