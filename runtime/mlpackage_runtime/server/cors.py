"""Make the cross-origin headers for the origins that AML_CORS_ORIGINS names."""

from __future__ import annotations

import re
from typing import Iterable, Pattern

from mlpackage_runtime.server.asgi import Headers

METHODS = ("GET", "POST")
ALLOW_ORIGIN = b"access-control-allow-origin"
PATTERN_SIGNS = frozenset("*\\]?$^[]()")


class Cors:
    """The allowed origins: `*`, exact names, and patterns, which have certain characters in them as in flask-cors."""

    def __init__(self, origins: str) -> None:
        """Read a comma-separated list; raises ValueError for a pattern that is not a regular expression."""
        named = [origin.strip() for origin in origins.split(",")]
        self._any = "*" in named
        self._exact = [origin for origin in named if PATTERN_SIGNS.isdisjoint(origin)]
        self._patterns = [_compiled(origin) for origin in named if not PATTERN_SIGNS.isdisjoint(origin)]
        self._varies = len(named) > 1 or bool(self._patterns)

    def headers(self, method: str, request: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Return the headers to add to a response; none where the request's origin is not allowed."""
        sent = {name: value for name, value in request if name == b"origin" or name.startswith(b"access-control-")}
        origin = self._answered_origin(sent.get(b"origin", b"").decode("latin-1"))
        if not origin:
            return []
        headers = [(ALLOW_ORIGIN, origin.encode("latin-1"))]
        if method == "OPTIONS":
            headers += _preflight(sent)
        if self._varies and origin != "*":
            headers.append((b"vary", b"Origin"))
        return headers

    def _answered_origin(self, origin: str) -> str:
        if not origin:
            return "*" if self._any else min(self._exact, default="")
        lower = origin.lower()
        if any(lower == exact.lower() for exact in self._exact):
            return origin
        return origin if any(pattern.fullmatch(origin) for pattern in self._patterns) else ""


def _compiled(origin: str) -> Pattern[str]:
    try:
        return re.compile(".*" if origin == "*" else origin, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{origin!r} is not a regular expression: {error}.") from None


def _preflight(sent: dict[bytes, bytes]) -> Headers:
    if sent.get(b"access-control-request-method", b"").decode("latin-1").upper() not in METHODS:
        return []
    asked = sorted(name.strip() for name in sent.get(b"access-control-request-headers", b"").split(b","))
    allowed = [(b"access-control-allow-headers", b", ".join(asked))] if asked != [b""] else []
    return [*allowed, (b"access-control-allow-methods", ", ".join(METHODS).encode())]
