"""Name the types of what ASGI applications get and give."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, List, MutableMapping, Tuple

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = List[Tuple[bytes, bytes]]
